"""What `posthouse up` loads before it can start; what it does: tests/integration/cli."""

import subprocess
import sys


def test_no_driver_of_the_cluster_is_loaded_for_embedded_storage() -> None:
    look = (
        "import sys, posthouse.cli.platform; print([m for m in ('cassandra', 'aiokafka', 'grpc') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"
