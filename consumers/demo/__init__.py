"""The demo: the whole job on one machine, embedded, on a real model or the offline one."""

from consumers.demo.curtain import run_demo
from consumers.demo.options import DemoOptions

__all__ = ["DemoOptions", "run_demo"]
