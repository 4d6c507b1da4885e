"""Uploads in a bucket are in the backup, and come back into a bucket; what was not in the backup goes."""

import httpx
import pytest

from tests import s3
from tests.operations.backup.live_copy import Copy


@pytest.fixture(scope="module")
def bucket():
    with s3.serving() as found:
        yield found


def test_a_lost_bucket_comes_back(bucket, start_live_system, tmp_path):
    copy = Copy(start_live_system(workers=1, **bucket))
    try:
        [key] = s3.keys_in(bucket)
        assert key.startswith("lessons/maps/classroom_map_")
        assert copy.pictures() == [], "nothing on the machine's own disk"
        copy.system.manage("backup", f"--to={tmp_path}")
        client = s3.client_of(bucket)
        client.delete_object(Bucket=s3.BUCKET, Key=key)
        client.put_object(Bucket=s3.BUCKET, Key="lessons/maps/later.jpg", Body=b"later")
        copy.stop()
        [file] = tmp_path.iterdir()
        copy.system.manage("restore", str(file), "--force")
        assert s3.keys_in(bucket) == [key]
        copy.start(workers=0)
        address = f"{copy.system.url}/static/{key.removeprefix('lessons/')}"
        login = {f"sessionid{copy.system.suffix}": copy.login}
        assert httpx.get(address, cookies=login).content == b"a picture"
    finally:
        copy.system.stop()
