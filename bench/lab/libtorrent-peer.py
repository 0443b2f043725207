#!/usr/bin/python3
"""A libtorrent peer for the benchmarks (Debian's python3-libtorrent).

Takes orders on standard input and answers on standard output, one JSON object per line:
  {"order": "create", "path": FILE, "torrent": FILE, "piece_length": BYTES}
  {"order": "add", "torrent": FILE, "folder": DIR, "seed": BOOL, "peers": [[ADDRESS, PORT], ...]}
  {"order": "remove"}
It ends with its standard input. Set up for a trusted local network: only known
peers, TCP without encryption, no limits of rate, slots or connections.
"""

import json
import os
import select
import socket
import sys
import time

import libtorrent as lt

SETTINGS = {
    "alert_mask": lt.alert.category_t.error_notification | lt.alert.category_t.status_notification
    | lt.alert.category_t.storage_notification,
    # No discovery: peers are named.
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    # Plain TCP.
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "in_enc_policy": 2,
    "out_enc_policy": 2,
    "allow_multiple_connections_per_ip": True,
    # Connect at once, and retry soon.
    "connection_speed": 500,
    "torrent_connect_boost": 100,
    "min_reconnect_time": 1,
    "max_failcount": 100,
    # Serve every peer.
    "unchoke_slots_limit": 1000,
    "connections_limit": 1000,
    "active_limit": 1000,
    # Queues and buffers for a fast network.
    "max_out_request_queue": 2000,
    "max_allowed_in_request_queue": 4000,
    "send_buffer_watermark": 8 << 20,
    "send_buffer_low_watermark": 1 << 20,
    "send_buffer_watermark_factor": 150,
    "max_queued_disk_bytes": 64 << 20,
}


def say(**answer):
    answer["at"] = time.time() * 1000
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def create(order):
    storage = lt.file_storage()
    lt.add_files(storage, order["path"])
    torrent = lt.create_torrent(storage, order["piece_length"], lt.create_torrent.v1_only)
    lt.set_piece_hashes(torrent, os.path.dirname(order["path"]))
    with open(order["torrent"], "wb") as file:
        file.write(lt.bencode(torrent.generate()))
    say(event="created")


def add(session, order):
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(order["torrent"])
    params.save_path = order["folder"]
    params.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    if order["seed"]:
        params.flags |= lt.torrent_flags.seed_mode
    handle = session.add_torrent(params)
    for address, port in order["peers"]:
        handle.connect_peer((address, port))
    say(event="added")


def obey(session, line):
    order = json.loads(line)
    if order["order"] == "create":
        create(order)
    elif order["order"] == "add":
        add(session, order)
    elif order["order"] == "remove":
        for handle in session.get_torrents():
            session.remove_torrent(handle, lt.session.delete_files)


def tell(alert):
    if isinstance(alert, lt.torrent_finished_alert):
        say(event="finished")
    elif isinstance(alert, lt.torrent_deleted_alert):
        say(event="removed")
    elif isinstance(alert, (lt.torrent_error_alert, lt.file_error_alert)):
        say(event="failed", reason=alert.message())


def main():
    session = lt.session({**SETTINGS, "listen_interfaces": sys.argv[1] + ":0"})
    # Not wait_for_alert: its result may move in memory before Python has read it.
    alerted, alert_end = socket.socketpair()
    alert_end.setblocking(False)
    session.set_alert_fd(alert_end.fileno())
    say(event="listening", port=session.listen_port())
    orders = b""
    while True:
        ready, _, _ = select.select([0, alerted], [], [])
        if alerted in ready:
            alerted.recv(4096)
            for alert in session.pop_alerts():
                tell(alert)
        if 0 in ready:
            received = os.read(0, 1 << 16)
            if not received:
                os._exit(0)
            *lines, orders = (orders + received).split(b"\n")
            for line in lines:
                obey(session, line)


main()
