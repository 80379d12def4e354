"""`swarm dashboard`: serve the page, REST and the stream until Ctrl-C."""

import argparse
import os
import threading
from contextlib import suppress

from prefect_swarm.cli.output import Output
from prefect_swarm.core.settings import settings_from
from prefect_swarm.journal.home import open_journal
from prefect_swarm.streamer.app import Streamer
from prefect_swarm.streamer.guard import Role


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--port", type=int, help="port of page and REST (default: 8000)")
    parser.add_argument("--websocket-port", type=int, help="port of the stream (default: 8765)")


def execute(arguments: argparse.Namespace, output: Output) -> int:
    """Serve until Ctrl-C and print the link; where another process already serves, print a link to that one and end."""
    settings = settings_from(os.environ, http_port=arguments.port, websocket_port=arguments.websocket_port)
    with Streamer(open_journal(settings), settings) as streamer, suppress(KeyboardInterrupt):
        for sentence in streamer.avoided:
            output.tell(sentence)
        link = streamer.link(Role.DECIDE)
        output.show(link)
        if output.json_only:
            output.document({"link": link, "serving": not streamer.joined})
        if streamer.joined:
            output.tell("another process serves this dashboard already; the link opens it")
            return 0
        output.tell("open the link within five minutes, it works once; Ctrl-C ends the dashboard")
        threading.Event().wait()
    return 0
