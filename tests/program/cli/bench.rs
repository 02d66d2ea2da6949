//! `bench`: the JSON figures have their documented names and were measured on this machine.

use cipherlens::ckks_v1::baseline::PlainKernel;

use crate::support::scene::Scene;

/// The keys that benchmark tools read.
const KEYS: [&str; 15] = [
    "kernel",
    "threads",
    "images",
    "plain_us_per_image",
    "encrypted_us_per_image",
    "ratio",
    "query_ms",
    "decrypt_us_per_image",
    "seal_us_per_image",
    "stored_bytes_per_image",
    "query_bytes",
    "reply_bytes_per_image",
    "error_predicted_std",
    "error_std",
    "error_max",
];

#[test]
fn figures_have_their_documented_names_with_every_kernel() {
    let scene = Scene::new();
    for kernel in cipherlens::ckks_v1::Kernel::supported() {
        let mut command = scene.command(["bench", "--images", "700", "--threads", "2", "--json"]);
        let output = command.env("CIPHERLENS_KERNEL", kernel.name()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&figures["kernel"], &figures["threads"]), (&kernel.name().into(), &2.into()));
        assert_eq!(figures["images"], 700);
        for key in KEYS.into_iter().skip(1).chain(["whole_search_ms", "plain_search_ms"]) {
            assert!(figures[key].as_f64().unwrap() > 0.0, "{key} in {figures}");
        }
        let [plain, encrypted, ratio, error] = ["plain_us_per_image", "encrypted_us_per_image", "ratio", "error_max"]
            .map(|key| figures[key].as_f64().unwrap());
        assert!((ratio - encrypted / plain).abs() < 1e-9);
        // Every plain kernel of this machine was timed, and the ratio is to the fastest.
        let timings = figures["plain_kernels"].as_array().unwrap();
        let names: Vec<_> = timings.iter().map(|timing| timing["kernel"].as_str().unwrap()).collect();
        assert_eq!(names, PlainKernel::supported().into_iter().map(PlainKernel::name).collect::<Vec<_>>());
        for timing in timings {
            let time = timing["us_per_image"].as_f64().unwrap();
            assert!(time >= plain, "{} is faster than what is divided by: {figures}", timing["kernel"]);
            assert!(timing["kernel"] != figures["plain_kernel"] || time == plain, "{figures}");
        }
        assert!(error < 2e-4, "{error}");
        assert_eq!((&figures["stored_bytes_per_image"], &figures["query_bytes"]), (&10_401.into(), &655_360.into()));
        assert_eq!(figures["reply_bytes_per_image"], 5);
    }
    let text = scene.run(["bench", "--images", "512"]).success().stdout();
    let figures = ["plain f32 scan", "encrypted scan", "ratio", "GB/s", "whole search", "kernel", "predicted"];
    for figure in figures.into_iter().chain(PlainKernel::supported().into_iter().map(PlainKernel::name)) {
        assert!(text.contains(figure), "{figure:?} is not in {text}");
    }
}

#[test]
fn an_unavailable_kernel_is_an_error() {
    let mut command = Scene::new().command(["bench", "--images", "512"]);
    let output = command.env("CIPHERLENS_KERNEL", "fastest").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("fastest"));
}

#[test]
fn the_network_alone_is_measured_in_each_precision() {
    let scene = Scene::new();
    for precision in ["f32", "bf16"] {
        let arguments = ["bench", "--features", "--threads", "2", "--batch", "1", "--precision", precision, "--json"];
        let figures = scene.run(arguments).success().json();
        assert_eq!((&figures["threads"], &figures["batch"]), (&2.into(), &1.into()));
        assert_eq!(figures["precision"], precision);
        let [rate, milliseconds] = ["photos_per_second", "ms_per_photo"].map(|key| figures[key].as_f64().unwrap());
        assert!(rate > 0.0 && (rate * milliseconds / 1e3 - 1.0).abs() < 1e-9, "{figures}");
        assert!(!figures["kernel"].as_str().unwrap().is_empty());
    }
    let mut command = scene.command(["bench", "--features", "--batch", "1", "--json"]);
    let output = command.env("CIPHERLENS_KERNEL", "portable").output().unwrap();
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures["kernel"], "portable");
    scene.run(["bench", "--features", "--images", "512"]).exits(64);
}
