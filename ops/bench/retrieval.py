"""Which of many actions fit: how often the right one is among the best 5, 10, 20, and how long a search takes.

Asks the questions of BFCL (Berkeley function-calling leaderboard) of its functions, pooled: as they are written, as tickets
(the same text among other fields of a JSON event) and as facts alone (the values of the answer key, without a word of what
is to be done), the latter two with a goal that says nothing. A plain BM25 (bm25s, with its own stop words) is asked the
same in the same run. Weights of our search were tuned on half of the functions; the other half is held out.

Examples:
    python ops/bench/retrieval.py
    python ops/bench/retrieval.py --keep                    # writes ops/bench/results/retrieval.json
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from retrieval_questions import Pool, Question, pools_of, tuning_half
from retrieval_report import DEPTHS, Measured, Times, as_json, misses, show
from rich.console import Console

from connectors.search import Document, Search, Wish

DATA: Final = Path(__file__).parents[2] / ".cache" / "retrieval"
RESULTS: Final = Path(__file__).parent / "results"
Rank = Callable[[Sequence[Wish]], Sequence[str]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", action="store_true", help="write the figures to ops/bench/results")
    parser.add_argument("--data", type=Path, default=DATA, help="where bfcl-eval and bm25s are installed")
    options = parser.parse_args()
    folder = options.data / "bfcl_eval" / "data"
    if not folder.is_dir():
        sys.exit(f"ops/bench/retrieval.py: no BFCL in {folder}; `make bench-retrieval` installs it")
    sys.path.insert(0, str(options.data))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    measured: list[Measured] = []
    with console.status("reading BFCL") as status:
        pools = pools_of(folder)
        tuned_on = tuning_half(pools)
        for pool in pools:
            began = time.perf_counter()
            search = Search(pool.documents)
            built_s = time.perf_counter() - began
            ways: dict[str, Rank] = {"ours": search.rank, "bm25s": _plain(pool.documents)}
            for form, questions in pool.forms.items():
                for way, rank in ways.items():
                    status.update(f"{pool.name}: {form}, {way}")
                    measured.append(_measure(pool, form, way, rank, questions, tuned_on, built_s))
    show(console, measured)
    if options.keep:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "retrieval.json").write_bytes(as_json(measured))
    if misses(measured):
        sys.exit(1)


def _measure(
    pool: Pool,
    form: str,
    way: str,
    rank: Rank,
    questions: Sequence[Question],
    tuned_on: frozenset[str],
    built_s: float,
) -> Measured:
    for question in questions[:50]:  # what is cached is so in a worker that has run for a while
        rank(question.wishes)
    seconds: list[float] = []
    found: list[Sequence[str]] = []
    for question in questions:
        began = time.perf_counter()
        ranked = rank(question.wishes)
        seconds.append(time.perf_counter() - began)
        found.append(ranked[: max(DEPTHS)])
    both = list(zip(questions, found, strict=True))
    halves = {
        "whole": both,
        "tuned on": [each for each in both if each[0].first in tuned_on],
        "held out": [each for each in both if each[0].first not in tuned_on],
    }
    return Measured(
        pool=pool.name,
        functions=len(pool.documents),
        form=form,
        way=way,
        questions={half: len(some) for half, some in halves.items()},
        recall={half: {depth: _recall(some, depth) for depth in DEPTHS} for half, some in halves.items()},
        times=Times.of(seconds, built_s if way == "ours" else None),
    )


def _recall(both: Iterable[tuple[Question, Sequence[str]]], depth: int) -> float:
    shares = [len(asked.wanted & set(found[:depth])) / len(asked.wanted) for asked, found in both]
    return sum(shares) / len(shares)


def _plain(documents: Sequence[Document]) -> Rank:
    """Return bm25s as its readme uses it, over all the words of a function."""
    import bm25s as library  # pyright: ignore[reportMissingImports] - it is outside of the environment

    bm25s: Any = library
    names = [document.name for document in documents]
    texts = [
        " ".join(
            (d.name.replace(".", " ").replace("_", " "), d.description, d.parameters, d.meanings, d.values)
        )
        for d in documents
    ]
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, stopwords="en", show_progress=False), show_progress=False)

    def rank(wishes: Sequence[Wish]) -> Sequence[str]:
        text = " ".join(wish.text for wish in wishes)
        tokens = bm25s.tokenize(text, stopwords="en", show_progress=False)
        places, _scores = index.retrieve(tokens, k=max(DEPTHS), show_progress=False)
        return [names[at] for at in places[0]]

    return rank


if __name__ == "__main__":
    main()
