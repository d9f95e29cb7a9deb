"""Has mutmut change the code, and find out which test reaches which function; playing is done by mutant_player.py.

Run it in a tree that python_mutants.py has made. It is the first half of `mutmut run`, with which it shares its files.
"""

from pathlib import Path

from mutmut.__main__ import collect_or_load_stats, create_mutants
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths
from mutmut.workers.isolation import get_mutant_runner


def main() -> None:
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(1)
    collect_or_load_stats(get_mutant_runner(1), apply_config_invalidation=True)


if __name__ == "__main__":
    main()
