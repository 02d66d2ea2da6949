#!/usr/bin/env python3
"""How well the features of photos find others of the same kind: P@1, P@10 and mAP, as one Markdown table.

    for dimension in 512 2048; do
        cipherlens features --json --dimension $dimension photos/*/* > $dimension.jsonl
    done
    python3 benches/retrieval_quality.py 512.jsonl 2048.jsonl

The folder of a photo is its label. Every photo in turn is the query (leave one out): the others are ranked by their
inner product with it, and those with its label are relevant.

    P@k  relevant photos among the k best, divided by k; mean over the queries
    mAP  mean over the queries of the average precision: precision at the rank of each relevant photo, averaged

The ranking is exact, on plain features. Photos that are alone in their folder are ranked but are no queries. Needs
Python 3.9 or later and NumPy.
"""

import argparse
import json
import pathlib

import numpy


def read(path):
    """Features as float32, shape [photos, numbers], and the label of each photo."""
    features, labels = [], []
    with path.open() as lines:
        for line in lines:
            photo = json.loads(line)
            features.append(numpy.array(photo["features"], dtype=numpy.float32))
            labels.append(pathlib.PurePath(photo["path"]).parent.name)
    return numpy.stack(features), numpy.array(labels)


def quality(features, labels):
    """P@1, P@10, mAP, and the number of queries."""
    figures = []
    for query in range(len(labels)):
        relevant = labels == labels[query]
        relevant[query] = False
        if not relevant.any():
            continue
        scores = features @ features[query]
        ranking = numpy.argsort(-scores, kind="stable")
        hits = relevant[ranking[ranking != query]]
        ranks = numpy.flatnonzero(hits) + 1
        precisions = numpy.arange(1, len(ranks) + 1) / ranks
        figures.append((hits[0], hits[:10].sum() / 10, precisions.mean()))
    return *numpy.mean(figures, axis=0), len(figures)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("features", nargs="+", type=pathlib.Path, help="output of cipherlens features --json")
    arguments = parser.parse_args()
    print("| features | queries | labels | numbers | P@1 | P@10 | mAP |")
    print("|---|---|---|---|---|---|---|")
    for path in arguments.features:
        features, labels = read(path)
        first, ten, average, queries = quality(features, labels)
        row = [path.name, queries, len(set(labels)), features.shape[1], f"{first:.4f}", f"{ten:.4f}", f"{average:.4f}"]
        print(f"| {' | '.join(map(str, row))} |")


if __name__ == "__main__":
    main()
