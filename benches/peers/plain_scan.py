"""The encrypted scan of `cipherlens bench` next to plain scans of the same vectors: cipherlens' own, numpy and faiss.

Run it through plain_scan.sh, which installs the peers in a virtual environment of their own and gives each one thread.
Every round runs each scan once, so that other load on the machine affects all of them alike. Results are medians over
rounds, and the ratio is to the fastest plain scan, whoever wrote it.
"""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import faiss
import numpy
import threadpoolctl

# The seed of the vectors in `cipherlens bench`.
SEED = 0x9E37_79B9_7F4A_7C15
WORD = (1 << 64) - 1
# Timed scans per engine and round.
SCANS = 15
NEAREST = 10


def step(state):
    """One step of xorshift64* without its multiplication (Vigna 2016), as in src/services/synthetic.rs."""
    state ^= state >> 12
    state ^= state << 25 & WORD
    return state ^ state >> 27


def jump(columns, states):
    """Applies a linear map over GF(2), given by the image of each bit, to every state."""
    moved = numpy.zeros_like(states)
    for byte in range(8):
        table = numpy.zeros(256, dtype=numpy.uint64)
        for bit in range(8):
            table[1 << bit : 2 << bit] = table[: 1 << bit] ^ columns[8 * byte + bit]
        moved ^= table[(states >> numpy.uint64(8 * byte)).astype(numpy.uint8)]
    return moved


def draws(count):
    """The first `count` numbers of the sequence. Steps are linear, so a jump can double the known states."""
    columns = numpy.array([step(1 << bit) for bit in range(64)], dtype=numpy.uint64)
    states = numpy.array([step(SEED)], dtype=numpy.uint64)
    while len(states) < count:
        states = numpy.concatenate([states, jump(columns, states[: count - len(states)])])
        columns = jump(columns, columns)
    return states * numpy.uint64(0x2545_F491_4F6C_DD1D)


def synthetic(images, dimension):
    """The vectors and the query of `cipherlens bench --images --dimension`, with components of both signs."""
    words = draws((images + 1) * dimension)
    left = (words >> numpy.uint64(40) & numpy.uint64(0xFFFF)) + numpy.uint64(1)
    vectors = (left * (words >> numpy.uint64(20) & numpy.uint64(0xFFFF))).astype(numpy.float32)
    vectors[words >> numpy.uint64(63) == 0] *= -1
    vectors = vectors.reshape(images + 1, dimension)
    for vector in vectors:
        vector /= numpy.float32(numpy.sqrt(numpy.square(vector, dtype=numpy.float64).sum()))
    return vectors[:images], vectors[images].copy()


def timed(scan, images):
    """Microseconds an image, the median of some scans."""
    seconds = []
    for _ in range(SCANS):
        started = time.perf_counter()
        scan()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) / images * 1e6


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
    numbers = [f"{name} {fields[name + chr(9)].strip()}" for name in ("cpu family", "model") if name + chr(9) in fields]
    return ", ".join([fields.get("model name\t", platform.processor()).strip(), *numbers])


def load():
    return " ".join(f"{average:.1f}" for average in os.getloadavg())


def main():
    binary, rounds, images, dimension = sys.argv[1], *map(int, sys.argv[2:5])
    faiss.omp_set_num_threads(1)
    vectors, query = synthetic(images, dimension)
    index = faiss.IndexFlatIP(dimension)
    index.add(vectors)
    peers = {"numpy": lambda: vectors @ query, f"faiss, {NEAREST} nearest": lambda: index.search(query[None], NEAREST)}
    best = numpy.argsort(-(vectors @ query))[:NEAREST]
    assert set(best) == set(index.search(query[None], NEAREST)[1][0]), "numpy and faiss find different vectors"

    plain, encrypted, ratios, loads, kernel = {}, [], [], [load()], None
    wide, wide_kernels = [], set()
    for _ in range(rounds):
        here = {name: timed(scan, images) for name, scan in peers.items()}
        command = [binary, "bench", "--json", "--threads", "1", "--images", str(images), "--dimension", str(dimension)]
        report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        here |= {f"cipherlens, {each['kernel']}": each["us_per_image"] for each in report["plain_kernels"]}
        for name, microseconds in here.items():
            plain.setdefault(name, []).append(microseconds)
        encrypted.append(report["encrypted_us_per_image"])
        ratios.append(report["encrypted_us_per_image"] / min(here.values()))
        wide.append(report["plain_2048_us_per_image"])
        wide_kernels.add(report["plain_2048_kernel"])
        kernel = report["kernel"]
    loads.append(load())

    pools = ", ".join(f"{pool['internal_api']} {pool.get('architecture', '')}" for pool in threadpoolctl.threadpool_info())
    print(f"{images} images of {dimension} numbers, one thread each, medians of {rounds} rounds;")
    print(f"{datetime.datetime.now().isoformat(' ', 'minutes')}, {processor()}, {os.cpu_count()} processors;")
    print(f"load before {loads[0]}, after {loads[1]}; numpy {numpy.__version__}, faiss {faiss.__version__} ({pools})")
    print()
    print("| scan | microseconds an image |")
    print("|---|---|")
    for name, values in plain.items():
        print(f"| plain, {name} | {statistics.median(values):.3f} |")
    print(f"| plain, cipherlens, 2048 numbers, {' or '.join(sorted(wide_kernels))} | {statistics.median(wide):.3f} |")
    print(f"| encrypted, {kernel} | {statistics.median(encrypted):.3f} |")
    print()
    fastest = min(plain, key=lambda name: statistics.median(plain[name]))
    ratio = statistics.median(encrypted) / statistics.median(plain[fastest])
    print(f"encrypted / fastest plain scan of all ({fastest}): {ratio:.2f}")
    print(f"per round, to its own fastest: {min(ratios):.2f} to {max(ratios):.2f}, median {statistics.median(ratios):.2f}")
    ratio = statistics.median(encrypted) / statistics.median(wide)
    print(f"encrypted / plain scan of cipherlens with 2048 numbers: {ratio:.2f}")


main()
