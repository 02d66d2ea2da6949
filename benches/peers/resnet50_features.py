"""ResNet-50 up to its 2048 features: ONNX Runtime and OpenVINO next to cipherlens, photos a second as one Markdown table.

Run it through resnet50.sh, which installs the peers in a virtual environment of their own. All run the network of
models/resnet50.safetensors. Every round runs every engine once, so that other load on the machine affects all of them
alike; ratios are medians over rounds. Peers run with the settings that were fastest here: sequential execution and all
optimisations for ONNX Runtime; for OpenVINO the faster of one stream and one stream per thread.
"""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import numpy
import onnx
import onnxruntime
import openvino
import safetensors.numpy
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = "models/resnet50.safetensors"
BLOCKS = [3, 4, 6, 3]
SIDE = 224
# Timed seconds per engine and round.
SECONDS = 2.0


def network(weights):
    """The network as an ONNX model, input [n, 3, 224, 224], output [n, 2048]."""
    nodes, initializers = [], []

    def convolution(name, value, stride, padding, relu=True):
        for part in ("weight", "bias"):
            tensor = weights[f"{name}.{part}"].astype(numpy.float32)
            initializers.append(numpy_helper.from_array(tensor, f"{name}.{part}"))
        inputs = [value, f"{name}.weight", f"{name}.bias"]
        nodes.append(helper.make_node("Conv", inputs, [name], strides=[stride] * 2, pads=[padding] * 4))
        return rectified(name) if relu else name

    def rectified(value):
        nodes.append(helper.make_node("Relu", [value], [f"{value}.relu"]))
        return f"{value}.relu"

    value = convolution("conv1", "pixels", 2, 3)
    nodes.append(helper.make_node("MaxPool", [value], ["pooled"], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4))
    value = "pooled"
    for stage, blocks in enumerate(BLOCKS, start=1):
        for block in range(blocks):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            inner = convolution(f"{name}.conv1", value, stride, 0)
            inner = convolution(f"{name}.conv2", inner, 1, 1)
            inner = convolution(f"{name}.conv3", inner, 1, 0, relu=False)
            shortcut = convolution(f"{name}.downsample.0", value, stride, 0, relu=False) if block == 0 else value
            nodes.append(helper.make_node("Add", [inner, shortcut], [name]))
            value = rectified(name)
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["mean"]))
    nodes.append(helper.make_node("Flatten", ["mean"], ["features"]))
    shape = lambda name, sides: helper.make_tensor_value_info(name, TensorProto.FLOAT, sides)
    graph = helper.make_graph(
        nodes, "resnet50", [shape("pixels", ["n", 3, SIDE, SIDE])], [shape("features", ["n", 2048])], initializers
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def timed(run, batch):
    """Photos a second of a function that runs a batch through the network."""
    photos, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < SECONDS:
        run()
        photos += batch
    return photos / elapsed


def onnx_runtime(model, pixels, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"pixels": pixels})[0]


def open_vino(model, pixels, threads, precision, streams):
    """With several streams, each takes its share of the batch."""
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": streams}
    read = core.read_model(model)
    share = len(pixels) // streams
    read.reshape([share, 3, SIDE, SIDE])
    compiled = core.compile_model(read, "CPU", settings)
    requests = [compiled.create_infer_request() for _ in range(streams)]
    shares = [openvino.Tensor(numpy.ascontiguousarray(part)) for part in numpy.split(pixels, streams)]

    def run():
        for request, part in zip(requests, shares):
            request.start_async([part])
        for request in requests:
            request.wait()
        return requests[0].get_output_tensor(0).data

    return run


def cipherlens(binary, threads, batch, precision, kernel):
    command = [binary, "bench", "--features", "--json"]
    command += ["--threads", str(threads), "--batch", str(batch), "--precision", precision]
    environment = os.environ | ({"CIPHERLENS_KERNEL": kernel} if kernel else {})
    report = json.loads(subprocess.run(command, check=True, capture_output=True, env=environment).stdout)
    return report["photos_per_second"]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return fields.get("model name\t", platform.processor()).strip()


def has_bfloat16():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        return "avx512_bf16" in lines.read()


def measure(binary, model, rounds, threads, batch):
    pixels = numpy.random.default_rng(50).uniform(-110, 140, (batch, 3, SIDE, SIDE)).astype(numpy.float32)
    streams = [1] + ([threads] if threads > 1 and batch % threads == 0 else [])
    peers = {"ONNX Runtime f32": [onnx_runtime(model, pixels, threads)]}
    precisions = ["f32"] + (["bf16"] if has_bfloat16() else [])
    for precision in precisions:
        peers[f"OpenVINO {precision}"] = [open_vino(model, pixels, threads, precision, count) for count in streams]
    reference = peers["ONNX Runtime f32"][0]()
    for name, runs in peers.items():
        features = runs[0]()
        norms = numpy.linalg.norm(features[0]) * numpy.linalg.norm(reference[0])
        assert features[0] @ reference[0] / norms > 0.999, f"{name} computes a different network"
    ours = {f"cipherlens {precision}": (precision, None) for precision in precisions}
    ours["cipherlens f32, AVX2 only"] = ("f32", "avx2")
    speeds = {name: [] for name in [*peers, *ours]}
    for _ in range(rounds):
        for name, runs in peers.items():
            speeds[name].append(max(timed(run, batch) for run in runs))
        for name, (precision, kernel) in ours.items():
            speeds[name].append(cipherlens(binary, threads, batch, precision, kernel))
    base = speeds["ONNX Runtime f32"]
    for name, values in speeds.items():
        ratio = statistics.median(value / other for value, other in zip(values, base))
        print(f"| {threads} | {batch} | {name} | {statistics.median(values):.1f} | {ratio:.2f} |", flush=True)


def main():
    binary, rounds = sys.argv[1], int(sys.argv[2])
    model = network(safetensors.numpy.load_file(WEIGHTS))
    versions = f"ONNX Runtime {onnxruntime.__version__}, OpenVINO {openvino.__version__.split('-')[0]}"
    print(f"{datetime.date.today().isoformat()}, {processor()}, {versions}; medians of {rounds} rounds.\n")
    print("| threads | batch | engine | photos a second | to ONNX Runtime |\n|---|---|---|---|---|")
    for threads, batch in [(1, 1), (1, 8), (2, 1), (2, 8), (2, 16)]:
        measure(binary, model, rounds, threads, batch)


main()
