//! A key holder and an evaluator in two processes. The evaluator is started as a child that gets only public bytes
//! through its standard input, and writes its answer to its standard output.

#![allow(clippy::print_stdout, reason = "an example shows its results")]

use std::error::Error;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use cipherlens_ckks::{
    CONTEXT_BYTES, CheckVectors, EncryptedQuery, Evaluator, KeyHolder, Parameters, PublicContext, ScannedBlock,
    ScannedGroup, SecretContext,
};

const DIMENSION: usize = 256;
/// The argument that makes this program the evaluator.
const EVALUATOR: &str = "evaluator";

/// A unit vector with the first two components at an angle in degrees.
fn at_angle(degrees: f32) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSION];
    (vector[1], vector[0]) = degrees.to_radians().sin_cos();
    vector
}

/// Reads context, query and blocks; writes the answer. It has no key and could run anywhere.
fn evaluate() -> Result<(), Box<dyn Error>> {
    let mut request = Vec::new();
    std::io::stdin().read_to_end(&mut request)?;
    let (context, rest) = request.split_at_checked(CONTEXT_BYTES).ok_or("the request is too short")?;
    let public = PublicContext::from_bytes(context)?;
    let query_bytes = public.parameters().query_bytes();
    let (query, blocks) = rest.split_at_checked(query_bytes).ok_or("the request is too short")?;
    let query = EncryptedQuery::from_bytes(public.parameters(), query)?;
    let answer = Evaluator::new(&public)?.score(blocks, &query)?;
    std::io::stdout().write_all(&answer)?;
    Ok(())
}

/// Starts the evaluator, sends it public bytes and returns its answer.
fn ask(request: &[&[u8]]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut child =
        Command::new(std::env::current_exe()?).arg(EVALUATOR).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().ok_or("no pipe")?;
    for bytes in request {
        input.write_all(bytes)?;
    }
    drop(input);
    let output = child.wait_with_output()?;
    if output.status.success() { Ok(output.stdout) } else { Err("the evaluator failed".into()) }
}

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some(EVALUATOR) {
        return evaluate();
    }
    let parameters = Parameters::for_dimension(DIMENSION)?;
    let public = PublicContext::generate(parameters)?;
    let holder = KeyHolder::new(&public, SecretContext::generate(parameters)?)?;

    let angles = [0.0, 30.0, 60.0, 90.0, 180.0];
    let block = holder.seal(&angles.map(at_angle))?;
    let mut checks = CheckVectors::empty(&parameters, 0);
    checks.add_sealed(&holder, &block)?;

    let (query, secret) = holder.encrypt(holder.prepare()?, &at_angle(0.0))?;
    let answer = ask(&[&public.to_bytes(), query.as_bytes(), block.ciphertext()])?;
    let group = ScannedGroup { checks: &checks, blocks: &[ScannedBlock::from(&block)] };
    let scores = secret.verify(&holder, &[group], &answer)?.decrypt()?;
    for (angle, score) in angles.iter().zip(&scores) {
        println!("{angle:>5} degrees: score {score:+.3}, cosine {:+.3}", angle.to_radians().cos());
    }
    Ok(())
}
