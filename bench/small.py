"""10,000 files of 20 KB: what each transfer costs."""

import peers
import transfers

if __name__ == "__main__":
    transfers.run("small", "10,000 files of 20 KB from nginx on loopback, 32 at once", count=10_000, size_bytes=20_000,
                  default_rounds=5, contenders=peers.many_files)
