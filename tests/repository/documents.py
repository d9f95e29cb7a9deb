"""Markdown documents as the tests of the documentation see them: fences, command lines, tables, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

_FENCE: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE_COMMAND: Final = re.compile(r"`(pointsman [^`]+)`")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_CELL: Final = re.compile(r"(?<!\\)\|")
_ASSIGNMENT: Final = re.compile(r"[A-Z][A-Z0-9_]*=")


@dataclass(frozen=True, slots=True)
class Document:
    """One Markdown file."""

    path: Path
    text: str

    @classmethod
    def read(cls, name: str) -> "Document":
        path = ROOT / name
        return cls(path, path.read_text(encoding="utf-8"))

    def fences(self, language: str) -> list[str]:
        """Return the bodies of all fences of a language, in order."""
        return [body for found, body in _FENCE.findall(self.text) if found == language]

    def section(self, title: str) -> str:
        """Return what stands under a heading, up to the next one of any level."""
        before, found, after = self.text.partition(f"# {title}\n")
        assert found, f"{self.path.name} has no section {title!r} (looked in {len(before)} characters)"
        return re.split(r"^#{1,6} ", after, maxsplit=1, flags=re.MULTILINE)[0]

    def table(self, title: str) -> list[list[str]]:
        """Return the cells of the table in a section, without its head."""
        lines = [line for line in self.section(title).splitlines() if line.startswith("|")]
        return [[cell.strip() for cell in _CELL.split(line)[1:-1]] for line in lines[2:]]

    def command_lines(self) -> list[str]:
        """Return every `pointsman …` of the shell fences and of the text."""
        in_fences = (line.strip() for body in self.fences("sh") for line in _joined(body))
        return [line for line in in_fences if _starts(line)] + _INLINE_COMMAND.findall(self._prose)

    def make_targets(self) -> set[str]:
        """Return every target that a `make …` of the document names."""
        return set(re.findall(r"\bmake ([a-z][a-z-]*)", " ".join(re.findall(r"`[^`]+`", self._prose))))

    def links(self) -> list[str]:
        """Return every link that stays in the repository."""
        return [link for link in _LINK.findall(self._prose) if "://" not in link]

    def anchors(self) -> set[str]:
        """Return what `#…` may name here, as the usual hosts derive it from headings."""
        return {
            re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            for title in _HEADING.findall(self._prose)
        }

    @property
    def _prose(self) -> str:
        return _FENCE.sub("", self.text)


def _joined(body: str) -> list[str]:
    return body.replace("\\\n", " ").splitlines()


def _starts(line: str) -> bool:
    words: Iterator[str] = (word for word in line.split() if not _ASSIGNMENT.match(word))
    return Path(next(words, "")).name == "pointsman"
