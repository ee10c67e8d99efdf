/// Stories of a push: inputs, what the driver is told, and what people are told.
module CellOS.Export.S3.Core.Tests.Stories

open System
open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver

let at (milliseconds: int) = noon + ms milliseconds

let v4 (seconds: int) =
    $"https://evidence.s3.us-west-2.amazonaws.com/cell-1/logs/out.txt?X-Amz-Date=20260301T120000Z&X-Amz-Expires={seconds}&X-Amz-SignedHeaders=host&X-Amz-Signature=q1w2e3r4t5y6u7i8"

let given change = plan (Some(v4 3600)) change
let asked change = plan None change

let sent = Outcomes.whole 3L

/// What was sent, with the digests of these algorithms only.
let sentWith (algorithms: DigestAlgorithm list) = {
    sent with
        Others =
            sent.Others
            |> List.filter (fun digest -> List.contains digest.Algorithm algorithms)
}

/// The made-up source's digests of these algorithms.
let digestsOf (algorithms: DigestAlgorithm list) =
    Outcomes.digests
    |> List.filter (fun digest -> List.contains digest.Algorithm algorithms)

let stored = {
    Reply.Of 200 with
        Sent = Some sent
        ETag = Some $"\"{md5}\""
}

let error status code message = {
    Reply.Of status with
        RequestId = Some "REQ1"
        Error =
            Some {
                Code = code
                Message = Some message
                RequestId = None
                HostId = None
                Region = Some "eu-west-1"
                Endpoint = Some "b.s3.eu-west-1.amazonaws.com"
                Details = []
            }
}

let attempted (time: int) reply =
    Input.Attempted(at time, 0.5, Outcome.Replied reply)

let faulted (time: int) kind certain =
    let fault = Fault.Create(kind, "the line broke", 2L)
    Input.Attempted(at time, 0.5, (if certain then Outcome.NotSent fault else Outcome.Unknown fault))

let started = Input.Started(at 0, 3L)
let woke (time: int) = Input.Woke(at time)

let word (output: Output) =
    match output with
    | Output.AskUrl(attempt, _) -> $"ask {attempt}"
    | Output.TakeDigests(algorithms, until) ->
        let names = algorithms |> List.map _.Name |> String.concat "+"

        match until with
        | None -> names
        | Some until -> $"{names} until {(until - noon).TotalMilliseconds}"
    | Output.Put put -> $"put {put.Attempt}"
    | Output.Wait until -> $"wait {(until - noon).TotalMilliseconds}"
    | Output.Done receipt -> $"done {receipt.Integrity}"
    | Output.Failed failure -> $"{failure.Kind}"

/// Inputs, the words of the outputs, and what the last message says.
let story name plan (inputs: Input list) (words: string list) (says: string list) =
    testCase name (fun () ->
        let turns = feed plan inputs

        Expect.sequenceEqual
            (turns |> List.map (fun turn -> word turn.Output))
            words
            "what the driver is told"

        match (List.last turns).Output with
        | Output.Failed failure ->
            for part in says do
                Expect.stringContains failure.Message part "the message"
        | _ -> ())

let same (target: Target) = target
let contentMd5 (target: Target) = { target with ContentMd5 = true }
let writeOnce (target: Target) = { target with WriteOnce = true }
let acceptingUnmarked (target: Target) = { target with AcceptUnmarked = true }
let integrity mode (target: Target) = { target with Integrity = mode }

let within deadline (target: Target) = {
    target with
        Limits = {
            target.Limits with
                Deadline = Some(ms deadline)
        }
}

let retrying attempts backoff cap (target: Target) = {
    target with
        Retry = policy RetryMode.Fixed attempts backoff cap
}

let busy = Reply.Of 503
let told seconds = { busy with RetryAfter = Some seconds }

let kmsReply = {
    stored with
        ETag = Some(String('0', 32))
        ServerSideEncryption = Some "aws:kms"
}

let once = given (retrying 1 0 0)

let stalling (target: Target) = {
    target with
        Limits = {
            target.Limits with
                StallTimeout = Some(ms 250)
        }
}
