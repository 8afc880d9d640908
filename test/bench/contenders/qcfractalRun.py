"""Drives QCFractal's records in process, without HTTP, as its own server would: one client.

python qcfractalRun.py HOST PORT USER RECORDS BULK  prints one line of JSON: seconds for each part.
Results are a real one of its test data, compressed before the clock starts, as its workers do.
"""

import json
import logging
import sys
import tempfile
import time
import uuid

logging.basicConfig(level=logging.ERROR)

from qcfractal.components.singlepoint.testing_helpers import load_procedure_data
from qcfractal.config import DatabaseConfig, FractalConfig
from qcfractal.db_socket import SQLAlchemySocket
from qcfractal.postgres_harness import PostgresHarness
from qcfractalcompute.compress import compress_result
from qcportal.managers import ManagerName
from qcportal.record_models import PriorityEnum
from sqlalchemy import text

ADD, CLAIM, RETURN = 500, 200, 10  # per call: its limits, and its worker's usual batch


def open_socket(host, port, user):
    database = {
        "host": host,
        "port": int(port),
        "username": user,
        "password": "unused",
        "database_name": "qcf_" + uuid.uuid4().hex,
        "base_folder": tempfile.mkdtemp(),
        "own": False,
    }
    PostgresHarness(DatabaseConfig(**database)).create_database(create_tables=True)
    config = FractalConfig(
        base_folder=database["base_folder"],
        loglevel="ERROR",
        enable_security=False,
        database=database,
        api={"secret_key": "s" * 32, "jwt_secret_key": "j" * 32},
    )
    return SQLAlchemySocket(config)


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(host, port, user, records, bulk):
    socket = open_socket(host, port, user)
    specification, molecule, result = load_procedure_data("sp_psi4_water_energy")
    blob = compress_result(result.model_dump())
    programs = {"qcengine": ["unknown"], "psi4": ["unknown"]}
    worker = ManagerName(cluster="bench", hostname="loopback", uuid=str(uuid.uuid4()))
    socket.managers.activate(
        name_data=worker,
        manager_version="0",
        username="bench",
        programs=programs,
        compute_tags=["*"],
    )
    molecule_id = socket.molecules.add([molecule])[1][0]

    def add(count):
        ids = []
        for begin in range(0, count, ADD):
            batch = [molecule_id] * min(ADD, count - begin)
            ids += socket.records.singlepoint.add(
                batch, specification, "bench", PriorityEnum.normal, None, False
            )[1]
        return ids

    claimed = []

    def claim():
        while tasks := socket.tasks.claim_tasks(worker.fullname, programs, ["*"], limit=CLAIM):
            claimed.extend(task["id"] for task in tasks)

    def give_back():
        for begin in range(0, len(claimed), RETURN):
            batch = claimed[begin : begin + RETURN]
            answer = socket.tasks.update_finished(worker.fullname, {id: blob for id in batch})
            assert answer.n_accepted == len(batch), answer

    def operate(operation, ids):
        def call():
            assert operation(ids).n_updated == len(ids)

        return seconds(call)

    figures = {"bytes": len(blob), "add": seconds(lambda: add(records))}
    figures["claim"] = seconds(claim)
    assert len(claimed) == records
    figures["return"] = seconds(give_back)

    ids = add(bulk)
    figures["cancel"] = operate(socket.records.cancel, ids)
    figures["uncancel"] = operate(socket.records.uncancel, ids)
    with socket.session_scope() as session:
        # All of them in error at once, instead of so many failing runs.
        session.execute(text("update base_record set status = 'error' where status = 'waiting'"))
        session.execute(text("update task_queue set available = false"))
        session.execute(text("analyze"))
    figures["reset"] = operate(socket.records.reset, ids)
    print(json.dumps(figures))
    socket.engine.dispose()


main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
