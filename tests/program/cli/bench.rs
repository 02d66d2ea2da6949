//! `bench`: the JSON figures have their documented names and were measured on this machine.

use cipherlens::ckks::Kernel;
use cipherlens::ckks::baseline::PlainKernel;
use serde_json::Value;

use crate::support::scene::Scene;

/// The figures that benchmark tools read.
const FIGURES: [&str; 24] = [
    "threads",
    "images",
    "dimension",
    "plain_us_per_image",
    "plain_2048_images",
    "plain_2048_us_per_image",
    "encrypted_us_per_image",
    "ratio",
    "plain_gb_per_second",
    "encrypted_gb_per_second",
    "query_ms",
    "query_prepared_ms",
    "verify_ms",
    "decrypt_us_per_image",
    "seal_us_per_image",
    "whole_search_ms",
    "whole_search_prepared_ms",
    "plain_search_ms",
    "stored_bytes_per_image",
    "query_bytes",
    "reply_bytes_per_image",
    "error_predicted_std",
    "error_std",
    "error_max",
];

fn figure(figures: &Value, key: &str) -> f64 {
    figures[key].as_f64().unwrap_or_else(|| panic!("{key} in {figures}"))
}

/// Every plain kernel of this machine was timed, and what `fastest` and `time` name is the fastest.
fn is_fastest(figures: &Value, [all, fastest, time]: [&str; 3]) {
    let timings = figures[all].as_array().unwrap();
    let names: Vec<_> = timings.iter().map(|timing| timing["kernel"].as_str().unwrap()).collect();
    assert_eq!(names, PlainKernel::supported().into_iter().map(PlainKernel::name).collect::<Vec<_>>());
    for timing in timings {
        let each = figure(timing, "us_per_image");
        assert!(each >= figure(figures, time), "{} is faster than {time}: {figures}", timing["kernel"]);
        assert!(timing["kernel"] != figures[fastest] || each == figure(figures, time), "{figures}");
    }
}

#[test]
fn figures_have_their_documented_names_with_every_kernel_and_dimension() {
    let scene = Scene::new();
    let kernels = Kernel::supported();
    let fastest = *kernels.last().unwrap();
    for (kernel, dimension) in kernels.into_iter().map(|kernel| (kernel, 128)).chain([(fastest, 512)]) {
        let dimension_text = dimension.to_string();
        let arguments = ["bench", "--images", "700", "--dimension", &dimension_text, "--threads", "2", "--json"];
        let output = scene.command(arguments).env("CIPHERLENS_KERNEL", kernel.name()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&figures["kernel"], &figures["threads"]), (&kernel.name().into(), &2.into()));
        assert_eq!((&figures["images"], &figures["plain_2048_images"]), (&700.into(), &700.into()));
        assert_eq!(figures["dimension"], dimension);
        for key in FIGURES {
            assert!(figure(&figures, key) > 0.0, "{key} in {figures}");
        }
        let share = &figures["huge_page_share"];
        assert!(share.is_null() || (0.0..=1.0).contains(&share.as_f64().unwrap()), "{figures}");
        let ratio = figure(&figures, "encrypted_us_per_image") / figure(&figures, "plain_us_per_image");
        assert!((figure(&figures, "ratio") - ratio).abs() < 1e-9);
        is_fastest(&figures, ["plain_kernels", "plain_kernel", "plain_us_per_image"]);
        is_fastest(&figures, ["plain_2048_kernels", "plain_2048_kernel", "plain_2048_us_per_image"]);
        let [std, predicted] = ["error_std", "error_predicted_std"].map(|key| figure(&figures, key));
        assert!((std / predicted - 1.0).abs() < 0.2, "{figures}");
        // Ten standard deviations.
        assert!(figure(&figures, "error_max") < 4e-3, "{figures}");
        let stored = (512 * (4 * dimension + 128) + 32_usize).div_ceil(512);
        assert_eq!(figures["stored_bytes_per_image"], stored);
        assert_eq!(
            (&figures["query_bytes"], &figures["reply_bytes_per_image"]),
            (&(256 * dimension).into(), &4.into())
        );
    }
}

#[test]
fn the_report_for_people_names_every_figure_and_plain_kernel() {
    let text = Scene::new().run(["bench", "--images", "512"]).success().stdout();
    let figures = [
        "512 images of 512 components",
        "anonymous memory",
        "thread(s), kernel ",
        "\nplain f32 scan   ",
        "\nplain f32 scan, 2048",
        "\nencrypted scan   ",
        "\nratio   ",
        "\nratio to 2048",
        "GB/s",
        "\nquery encryption",
        "\nverification",
        "% of the encrypted scan",
        "\ndecryption",
        "\nsealing",
        "\nwhole search",
        "with a prepared mask; plain ",
        " bytes, reply 4 bytes/image",
        "\nerror of a score",
        "predicted",
        "    2177 bytes/image, hint included (plain f32: 2048)",
    ];
    for figure in figures.into_iter().chain(PlainKernel::supported().into_iter().map(PlainKernel::name)) {
        assert!(text.contains(figure), "{figure:?} is not in {text}");
    }
}

#[test]
fn with_2048_components_both_plain_scans_are_the_same() {
    let figures = Scene::new().run(["bench", "--images", "512", "--dimension", "2048", "--json"]).success().json();
    for (same, wide) in [
        ("plain_us_per_image", "plain_2048_us_per_image"),
        ("plain_kernel", "plain_2048_kernel"),
        ("plain_kernels", "plain_2048_kernels"),
    ] {
        assert_eq!(figures[same], figures[wide]);
    }
    assert_eq!((&figures["stored_bytes_per_image"], &figures["query_bytes"]), (&8_321.into(), &524_288.into()));
}

#[test]
fn a_dimension_without_parameters_is_refused() {
    let scene = Scene::new();
    for dimension in ["0", "64", "500", "16512"] {
        let arguments = ["bench", "--images", "512", "--dimension", dimension];
        scene.run(arguments).exits(64).says("a multiple of 128 components, at most 16384").says(dimension);
    }
    scene.run(["bench", "--dimension", "-128"]).exits(64);
    scene.run(["bench", "--features", "--dimension", "512"]).exits(64);
}

#[cfg(target_os = "linux")]
#[test]
fn more_images_than_memory_holds_are_refused() {
    let arguments = ["bench", "--images", "10000000", "--dimension", "16384"];
    Scene::new().run(arguments).exits(64).says("do not fit into free memory");
}

#[test]
fn an_unknown_kernel_is_an_error() {
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
    let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures["kernel"], "portable");
    scene.run(["bench", "--features", "--images", "512"]).exits(64);
}
