"""Mutants of the Lua scripts, against the contract suite on a real Valkey."""

import asyncio
import hashlib
import os
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lua_changes import Change, changes
from verdicts import Mutant, MutantsError, Verdict

LUA: Final = "lua"
ROOT: Final = Path(__file__).parents[2]
_SCRIPTS: Final = Path("consumers/adapters/lua")
_PLAYER: Final = Path(__file__).with_name("lua_player.py")
_EXAMPLES: Final = "25"
"""Of the state machine, for a mutant."""
_VERDICTS: Final = {"0": Verdict.SURVIVED, "1": Verdict.KILLED, "timeout": Verdict.TIMEOUT}


@dataclass(frozen=True, slots=True)
class _Changed:
    script: Path
    number: int
    change: Change

    @property
    def name(self) -> str:
        return f"{self.script.name}:{self.change.line} no. {self.number}"


async def play_lua(folder: Path, children: int, advance: Callable[[int, int], None]) -> list[Mutant]:
    """Play every change of every script.

    Raises:
        MutantsError: the tests fail on the scripts as they are, or a player ended.
    """
    changed = list(_all())
    async with _players(children) as players:
        first = await _answer(players[0], _copy(folder, None))
        if first != "0":
            raise MutantsError(f"the tests fail on the unchanged scripts: pytest ended with {first}")
        left = iter(changed)
        found: dict[str, Mutant] = {}

        async def play(player: Process) -> None:
            for one in left:
                found[one.name] = _judged(one, await _remembered(player, folder, one))
                advance(len(found), len(changed))

        async with asyncio.TaskGroup() as group:
            for player in players:
                group.create_task(play(player), name="lua player")
    return [found[one.name] for one in changed]


def _all() -> Iterator[_Changed]:
    for script in sorted((ROOT / _SCRIPTS).glob("*.lua")):
        for number, change in enumerate(changes(script.read_text(encoding="utf-8")), start=1):
            yield _Changed(script, number, change)


def _copy(folder: Path, changed: _Changed | None) -> Path:
    """Return a folder with all scripts, one of them changed."""
    copied = folder / (changed.name if changed else "unchanged")
    shutil.copytree(ROOT / _SCRIPTS, copied, dirs_exist_ok=True)
    if changed:
        (copied / changed.script.name).write_text(changed.change.source, encoding="utf-8")
    return copied


async def _remembered(player: Process, folder: Path, one: _Changed) -> str:
    """Play a change, unless it was played in this folder before."""
    changed = _copy(folder, one)
    answered = folder / f"{hashlib.sha256(one.change.source.encode()).hexdigest()}.answer"
    if not answered.exists():
        answered.write_text(await _answer(player, changed))
    shutil.rmtree(changed)
    return answered.read_text()


def _judged(one: _Changed, answer: str) -> Mutant:
    verdict = _VERDICTS.get(answer)
    if verdict is None:
        raise MutantsError(f"{one.name}: pytest ended with {answer}")
    change = f"- {one.change.before}\n+ {one.change.after}" if verdict.escaped else ""
    return Mutant(str(_SCRIPTS / one.script.name), one.name, verdict, change)


async def _answer(player: Process, folder: Path) -> str:
    assert player.stdin is not None
    assert player.stdout is not None
    player.stdin.write(f"{folder}\n".encode())
    await player.stdin.drain()
    if not (line := await player.stdout.readline()):
        raise MutantsError(f"a player of Lua scripts ended with {await player.wait()}")
    return line.decode().strip()


@asynccontextmanager
async def _players(count: int) -> AsyncGenerator[list[Process]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "POINTSMAN_EXAMPLES": _EXAMPLES}
    players = [
        await asyncio.create_subprocess_exec(
            sys.executable, _PLAYER, stdin=PIPE, stdout=PIPE, cwd=ROOT, env=environment
        )
        for _ in range(count)
    ]
    try:
        yield players
    finally:
        for player in players:
            assert player.stdin is not None
            player.stdin.close()
        for player in players:
            await player.wait()
