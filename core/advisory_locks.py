"""The keys of PostgreSQL's advisory locks: two integers of 32 bits each, a purpose and what is locked for it.

Every release must use the same keys, because processes of two releases may run side by side during an upgrade.
`lms.maps` locks by the hash of a name instead.
"""

SHARD = 0x72697665  # with the number of a shard: one transaction at a time writes for it

OFFLINE_QUEUE = 0x6F66666C  # with one of the next two
SYNCING = 1  # one sync at a time
STORING = 2  # the limit of entries holds
