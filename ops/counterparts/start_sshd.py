"""Start OpenSSH's server with SFTP on loopback, print where it is, and stop it on SIGTERM or Ctrl-C.

Needs Debian's package openssh-server (its service need not run). Prints one JSON line when it serves:

    {"port": 23456, "pid": 4711, "user": "nobody", "root": "/tmp/…/root", "host_key": "ssh-ed25519 AAAA…",
     "known_hosts": "/tmp/…/known_hosts", "other_host_key": "ssh-ed25519 AAAA…", "private_key": "-----BEGIN …",
     "log": "/tmp/…/log"}

Everything is its own and new: configuration, host key, a key to log in with. Files lie under `root`, where the login starts.
`other_host_key` is no server's. It listens on 127.0.0.1 only, logs in one user by that one key, and gives nothing but SFTP. The
user is whoever starts it; started by root it is `nobody`, whom permissions mean something to.

Examples:
    python ops/counterparts/start_sshd.py
"""

import argparse
import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from functools import partial
from pathlib import Path

from installed import UnavailableError
from served import free_port, listens, main, process

_SSHD = Path("/usr/sbin/sshd")  # it insists on being started by its full path
_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
AllowUsers {user}
PermitRootLogin no
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
LogLevel VERBOSE
MaxStartups 100
Subsystem sftp internal-sftp -d {root}
ForceCommand internal-sftp -d {root}
DisableForwarding yes
PermitTTY no
"""


def start(_options: argparse.Namespace) -> Generator[Mapping[str, object]]:
    if not _SSHD.exists() or shutil.which("ssh-keygen") is None:
        raise UnavailableError(f"{_SSHD} is not there: install Debian's package openssh-server")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it locks itself in before a login
    with tempfile.TemporaryDirectory(prefix="pointsman-sshd-") as temporary:
        folder = Path(temporary)
        root = folder / "root"
        root.mkdir()
        port = free_port()
        user = _user(folder, root)
        keys = {name: _key(folder / name) for name in ("host_key", "other_host_key", "user_key")}
        (folder / "authorized_keys").write_text(keys["user_key"] + "\n", encoding="utf-8")
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {keys['host_key']}\n", encoding="utf-8")
        config = folder / "sshd_config"
        config.write_text(_CONFIG.format(port=port, folder=folder, user=user, root=root), encoding="utf-8")
        command = [_SSHD, "-D", "-e", "-f", config]
        with process(command, ready=partial(listens, port), log=folder / "log") as started:
            yield {
                "port": port,
                "pid": started.pid,
                "user": user,
                "root": str(root),
                "host_key": keys["host_key"],
                "known_hosts": str(folder / "known_hosts"),
                "other_host_key": keys["other_host_key"],
                "private_key": (folder / "user_key").read_text(encoding="utf-8"),
                "log": str(folder / "log"),
            }


def _user(folder: Path, root: Path) -> str:
    """Return who logs in, and let him into the root."""
    if os.getuid() != 0:
        return getpass.getuser()
    folder.chmod(0o755)
    shutil.chown(root, "nobody")
    return "nobody"


def _key(file: Path) -> str:
    """Make a key pair; return the public key without its comment."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)]
    subprocess.run(command, check=True, timeout=60)
    return " ".join(file.with_suffix(".pub").read_text(encoding="utf-8").split()[:2])


if __name__ == "__main__":
    main("sshd", __doc__ or "", start)
