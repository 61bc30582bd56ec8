"""One file of 2 GiB: what each byte costs."""

import peers
import transfers

if __name__ == "__main__":
    transfers.run("large", "one file of 2 GiB from nginx on loopback", count=1, size_bytes=2 << 30, default_rounds=3,
                  contenders=lambda bellhop, urls: peers.one_file(bellhop, urls[0]))
