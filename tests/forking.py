"""Processes of their own that need not import the program again: a server that has forks them."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from vidcolor.cli.main import main

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["fork_preload"])
LONGEST_SECONDS = 120


def fork(function: Callable[..., None], *arguments: object) -> BaseProcess:
    """Start a process that calls a module's function and ends.

    Args:
        function: From the top of a module.
        arguments: Of the function; they are pickled.
    """
    process = _CONTEXT.Process(target=function, args=arguments, daemon=True)
    # The server looks for what it preloads by this alone, and does without what it does not find.
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        process.start()
    return process


def end(process: BaseProcess) -> int:
    """Wait for a process: its exit code, negative for a signal's number."""
    process.join(LONGEST_SECONDS)
    assert process.exitcode is not None, "it does not end"
    return process.exitcode


@contextmanager
def forked(function: Callable[..., None], *arguments: object) -> Iterator[BaseProcess]:
    """A process that has reached a point in its work and stays there.

    Args:
        function: Gets a function of no arguments as its first, which tells that the point is
            reached and returns when the context ends.
        arguments: Its others.
    """
    here, there = _CONTEXT.Pipe()
    process = fork(_stay, there, function, *arguments)
    there.close()
    assert here.poll(LONGEST_SECONDS), "it does not get there"
    here.recv()  # raises EOFError if it has ended before
    try:
        yield process
    finally:
        here.close()
        end(process)


def _stay(connection: Connection, function: Callable[..., None], *arguments: object) -> None:
    def stay() -> None:
        connection.send(None)
        try:
            connection.recv()
        except EOFError:
            return

    function(stay, *arguments)


@dataclass(frozen=True)
class Program:
    """The program `vidcolor`, running.

    Attributes:
        process: Where it runs.
        folder: Where what it prints goes.
    """

    process: BaseProcess
    folder: Path

    def end(self) -> tuple[int, str, str]:
        """Wait for it: exit code, standard output and standard error."""
        code = end(self.process)
        return code, (self.folder / "out").read_text(), (self.folder / "err").read_text()


def start_program(
    folder: Path,
    arguments: Sequence[object],
    absent: Sequence[str] = (),
    prepare: Callable[..., None] | None = None,
    *given: object,
    program: Callable[[list[str]], int] = main,
) -> Program:
    """Start the program in the working folder.

    Args:
        folder: Where what it prints goes; made here.
        arguments: The command line.
        absent: Libraries that are not installed for it.
        prepare: Called in its process before it begins.
        given: The arguments of `prepare`.
        program: What gets the command line; the program `vidcolor`.
    """
    folder.mkdir()
    words = [str(argument) for argument in arguments]
    return Program(fork(_run_program, folder, program, words, absent, prepare, *given), folder)


def _run_program(
    folder: Path,
    program: Callable[[list[str]], int],
    arguments: list[str],
    absent: Sequence[str],
    prepare: Callable[..., None] | None,
    *given: object,
) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT), number)
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    # A shell may have told its children to ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if prepare is not None:
        prepare(*given)
    sys.exit(program(arguments))


def connect(paths: Mapping[int, str | Path]) -> None:
    """Have a program's streams, by number, lead to files or named pipes; to be its `prepare`."""
    for number, path in paths.items():
        opened = os.open(path, os.O_WRONLY if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    # Those of the server that forks are made for its own files.
    if 0 in paths:
        sys.stdin = os.fdopen(0, closefd=False)
    if 1 in paths:
        sys.stdout = os.fdopen(1, "w", closefd=False)


def call_at(owner: Any, name: str, nth: int, meet: Callable[[], None]) -> None:
    """Have `meet` called before the nth call of a function of a class or module."""
    whole, calls = getattr(owner, name), 0

    def met(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth:
            meet()
        return whole(*arguments, **named)

    setattr(owner, name, met)


def stop_server() -> None:
    """End the server, so that it does not outlive the tests and its time counts as theirs."""
    forkserver._forkserver._stop()


@contextmanager
def listening() -> Iterator[None]:
    """Interrupts come through, also where tests run in a shell's background, deaf to them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
