"""`swarm dashboard`: serve the page, REST and the stream until Ctrl-C."""

import argparse
import os
import threading

from prefect_swarm.cli.speaker import Speaker
from prefect_swarm.core.settings import settings_from
from prefect_swarm.journal.home import open_journal
from prefect_swarm.streamer.app import Streamer
from prefect_swarm.streamer.guard import Role


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--port", type=int, help="port of page and REST (default: 8000)")
    parser.add_argument("--websocket-port", type=int, help="port of the stream (default: 8765)")


def execute(arguments: argparse.Namespace, output: Speaker) -> int:
    """Serve until Ctrl-C and print the link; where another process already serves, print a link to that one and end."""
    settings = settings_from(os.environ, http_port=arguments.port, websocket_port=arguments.websocket_port)
    with Streamer(open_journal(settings), settings) as streamer:
        for sentence in streamer.avoided:
            output.message(sentence)
        output.print(streamer.link(Role.DECIDE))
        if streamer.joined:
            output.message("another process serves this dashboard already; the link opens it")
            return 0
        output.message("open the link within five minutes, it works once; Ctrl-C ends the dashboard")
        wait_for_interrupt()
    return 0


def wait_for_interrupt() -> None:
    """Return when the person presses Ctrl-C."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return
