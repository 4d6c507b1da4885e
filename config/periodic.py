"""What rq enqueues by the clock. `manage.py rqcron config/periodic.py` reads it; the workers do it."""

from django.core.management import call_command
from rq import cron

# Sessions that have expired are rows nobody reads again.
cron.register(call_command, queue_name="low", args=("clearsessions",), cron="17 4 * * *")
