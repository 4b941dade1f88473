"""How a Ray cluster is joined, or one of this machine alone is started."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import ray
from ray._private import ray_constants

from vidcolor.errors import ClusterError

_ALONE = "local"  # for Ray: start a cluster, even if one of somebody else runs on this machine
_LOOPBACK = ("127.0.0.1", "::1")
_LISTEN_SECONDS = 10

_LOG = logging.getLogger(__name__)


def connect(address: str | None) -> None:
    """Join a cluster, or start one of this machine alone.

    The latter listens at the loopback address alone: whoever reaches Ray's ports may run programs.

    Args:
        address: As of `ClusterSettings`.

    Raises:
        ClusterError: No cluster answers, or none starts.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent without being asked for
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.getsignal(number) for number in numbers}
    address = address or os.environ.get("RAY_ADDRESS") or _ALONE
    is_alone = address == _ALONE
    _refuse_silent(address)
    try:
        with _at_loopback() if is_alone else nullcontext():
            context: Any = ray.init(
                address=address, log_to_driver=False, logging_level=logging.ERROR
            )
    except Exception as error:  # a slow start is a bare one
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise (_not_started(reason) if is_alone else _no_cluster(address, reason)) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():  # Ray's own would end the program at once
                signal.signal(number, handler)
    listens_at = context.address_info["node_ip_address"]
    if is_alone and listens_at not in _LOOPBACK:
        _LOG.warning("this version of Ray listens at %s, where other machines reach it", listens_at)
    if context.dashboard_url:
        _LOG.info("Ray's dashboard: http://%s", context.dashboard_url)


@contextmanager
def _at_loopback() -> Iterator[None]:
    """Have Ray take 127.0.0.1 for this machine's address, at which its servers then listen.

    `ray.init` itself replaces 127.0.0.1 by an address that others reach. Ray's own switch, the
    variable RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER, becomes this constant when Ray is imported.
    """
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def _refuse_silent(address: str) -> None:
    """Raise if nothing listens at an address: Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit() and "://" not in address:
        try:
            socket.create_connection((host, int(port)), _LISTEN_SECONDS).close()
        except OSError as error:
            raise _no_cluster(address, error.strerror or str(error)) from error


def _no_cluster(address: str, reason: str) -> ClusterError:
    return ClusterError(
        f"{address}: no cluster answers ({reason}); start one with ray start --head, "
        "or leave out --ray-address to use this machine alone"
    )


def _not_started(reason: str) -> ClusterError:
    return ClusterError(
        f"Ray: does not start on this machine ({reason.removesuffix('.')}). Run the command again "
        "when the machine is less busy, or leave out --engine ray."
    )
