"""Renaming a file without replacing another one, in one step where the system can."""

import ctypes
import errno
import os
from functools import lru_cache
from typing import Any, Final

from connectors.errors import InDoubtError

_NO_REPLACE: Final = 1  # RENAME_NOREPLACE of renameat2(2)
_CANNOT: Final = frozenset((errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP))


def rename_no_replace(source: str, target: str, *, source_fd: int, target_fd: int) -> None:
    """Rename `source` in one open folder to `target` in another.

    Linux does it in one step on its own file systems. Elsewhere it takes two (link, unlink): a crash between them leaves
    both names, never none and never another file's.

    Raises:
        OSError: FileExistsError where the target is there, FileNotFoundError where the source is not, others; nothing was done.
        InDoubtError: the first of two steps was done, and the second was not.
    """
    rename = _renameat2()
    if rename is not None:
        if not rename(source_fd, os.fsencode(source), target_fd, os.fsencode(target), _NO_REPLACE):
            return
        number = ctypes.get_errno()
        if number not in _CANNOT:
            raise OSError(number, os.strerror(number), source, None, target)
    os.link(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd, follow_symlinks=False)
    try:
        os.unlink(source, dir_fd=source_fd)
    except OSError as error:
        raise InDoubtError(
            f"{source} is {target} now, and {source} as well: {os.strerror(error.errno or 0)}"
        ) from error


@lru_cache(maxsize=1)
def _renameat2() -> Any:
    """Return the C library's function, or None where it has none."""
    function: Any = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is not None:
        function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
        function.restype = ctypes.c_int
    return function
