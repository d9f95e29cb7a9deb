"""Plays mutants, each in a fork of one pytest session that has found and passed all tests already.

Asked one by one, pytest needs longer to find the tests than most mutants need to fail. Run it where mutmut has put the
changed code; the arguments are the modules, and after `--` what pytest gets. What comes of each mutant is kept where
mutmut keeps it: 0 where no test fails, 1 where one does, 33 where none reaches it, 36 where they do not end.
"""

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from mutmut.mutation.trampoline import set_mutant_under_test

_SURVIVED: Final = 0
_KILLED: Final = 1
_UNTESTED: Final = 33
_TIMEOUT: Final = 36
_PATIENCE: Final = 4
"""Times what a test needed without a mutant, and 2 s of processor time: what needs more does not end."""
_WAITING: Final = 16
"""Times what all tests needed, and 2 s, by the clock: what waits for ever needs no processor."""


@dataclass(frozen=True, slots=True)
class _Mutant:
    name: str
    module: "_Module"
    tests: Sequence[pytest.Item]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Play:
    mutant: _Mutant
    deadline: float
    killer: int
    """Where to read which test failed."""


class _Module:
    """What mutmut keeps of a module."""

    def __init__(self, path: str) -> None:
        self._kept = Path(f"{path}.meta")
        self._document: dict[str, Any] = json.loads(self._kept.read_text())
        self.codes: dict[str, int | None] = self._document["exit_code_by_key"]

    def keep(self, name: str, code: int) -> None:
        self.codes[name] = code
        self._kept.write_text(json.dumps(self._document, indent=4))


class Player:
    """A pytest plugin that plays mutants when the tests have been collected.

    Args:
        modules: their mutants that have not been played yet.
        children: how many at once.
    """

    def __init__(self, modules: Sequence[str], children: int) -> None:
        self._modules = [_Module(path) for path in modules if Path(f"{path}.meta").exists()]
        self._children = children
        self._failed: str | None = None
        """The test that did."""
        self._killers: list[str] = []
        """Tests that noticed a mutant, the latest one last: they often notice the next one as well."""
        self._seconds: dict[str, float] = {}
        """What each test needed, once that is known."""
        self._playing: dict[int, _Play] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed = report.nodeid

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed:
            return None  # collecting failed: pytest says how
        set_mutant_under_test("")
        self._run(session.items)
        if self._failed is None:
            self._play(list(self._mutants(session.items)))
        return True

    def _mutants(self, items: Sequence[pytest.Item]) -> Iterator[_Mutant]:
        stats = json.loads(Path("mutmut-stats.json").read_text())
        self._seconds = stats["duration_by_test"]
        reaching: dict[str, list[str]] = stats["tests_by_mangled_function_name"]
        for module in self._modules:
            for name, code in module.codes.items():
                if code is None:
                    tests = set(reaching.get(name.partition("__mutmut_")[0], ()))
                    asked = [item for item in items if item.nodeid in tests]
                    asked.sort(key=lambda item: self._seconds[item.nodeid])
                    yield _Mutant(name, module, asked, sum(self._seconds[item.nodeid] for item in asked))

    def _play(self, mutants: Sequence[_Mutant]) -> None:
        total = sum(len(module.codes) for module in self._modules)
        done = total - len(mutants)
        gc.freeze()
        for mutant in mutants:
            while len(self._playing) >= self._children:
                self._await_one()
            if mutant.tests:
                self._begin(mutant)
            else:
                mutant.module.keep(mutant.name, _UNTESTED)
            done += 1
            print(f"\n{done}/{total} {mutant.name}", flush=True)
        while self._playing:
            self._await_one()

    def _begin(self, mutant: _Mutant) -> None:
        tests = sorted(mutant.tests, key=self._misses)
        killer, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = _KILLED  # by whatever may be raised
            try:
                os.setpgid(0, 0)
                silence = os.open(os.devnull, os.O_WRONLY)
                os.dup2(silence, 1)
                os.dup2(silence, 2)
                set_mutant_under_test(mutant.name)
                self._run(tests)
                if self._failed is None:
                    code = _SURVIVED
                else:
                    os.write(told, self._failed.encode())
            finally:
                os._exit(code)
        os.close(told)
        self._playing[pid] = _Play(mutant, time.monotonic() + (mutant.seconds + 2) * _WAITING, killer)

    def _misses(self, item: pytest.Item) -> int:
        """Return how many other tests have noticed a mutant since this one did."""
        return -self._killers.index(item.nodeid) if item.nodeid in self._killers else 1

    def _await_one(self) -> None:
        while True:
            for pid, play in self._playing.items():
                ended, status = os.waitpid(pid, os.WNOHANG)
                late = time.monotonic() > play.deadline
                if late and not ended:
                    os.killpg(pid, signal.SIGKILL)  # the group is the fork's own, with what it started
                    os.waitpid(pid, 0)
                if ended or late:
                    code = os.waitstatus_to_exitcode(status) if ended else _TIMEOUT
                    self._end(pid, play, _TIMEOUT if code < 0 else code)
                    return
            time.sleep(0.005)

    def _end(self, pid: int, play: _Play, code: int) -> None:
        del self._playing[pid]
        play.mutant.module.keep(play.mutant.name, code)
        with os.fdopen(play.killer, encoding="utf-8") as told:
            if killer := told.read():
                self._killers = [*(each for each in self._killers if each != killer), killer]

    def _run(self, items: Sequence[pytest.Item]) -> None:
        """Run tests until one fails; what they share is given back in any case."""
        for item, following in pairwise([*items, None]):
            assert item is not None
            if self._seconds:  # its signal ends the process
                signal.setitimer(signal.ITIMER_PROF, self._seconds[item.nodeid] * _PATIENCE + 2)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed is not None:
                item.session._setupstate.teardown_exact(None)  # noqa: SLF001 # pyright: ignore - as pytest does at its end
                return


def main() -> None:
    at = sys.argv.index("--")
    children, *modules = sys.argv[1:at]
    sys.exit(pytest.main(sys.argv[at + 1 :], plugins=[Player(modules, int(children))]))


if __name__ == "__main__":
    main()
