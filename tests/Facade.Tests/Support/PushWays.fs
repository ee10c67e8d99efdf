/// Ways in which a push goes, and what its span is to tell of each.
module Facade.Tests.PushWays

open System
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open LoopbackS3
open Facade.Tests.Support

/// Options of a target with a name of its own.
let optionsFrom (expectFrom: int64) (target: string) (url: string) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        TargetName = target,
        Region = "eu-west-1",
        RetryBackoff = TimeSpan.Zero,
        RequestTimeout = TimeSpan.FromSeconds 10.,
        ExpectContinueMinBytes = Nullable expectFrom
    )

let optionsOf = optionsFrom 1_000_000L

/// What a push ended as, for tests that look at what was told of it.
type End =
    | Receipt of ExportReceipt
    | Failure of ExportException
    | Cancelled

let endOf (push: unit -> Task<ExportReceipt>) =
    task {
        try
            let! receipt = push ()
            return Receipt receipt
        with
        | :? ExportException as failure -> return Failure failure
        | :? OperationCanceledException -> return Cancelled
    }

/// One way in which a push goes.
type Way = {
    Name: string
    /// Makes the server ready, and gives the URL and the file.
    Ready: Scene -> string * string
    /// `error.type` of the span; empty for none.
    Error: string
    /// Status, `error.type` and S3 code of each attempt; empty for none.
    Attempts: (string * string * string) list
}

let private misbehave ([<ParamArray>] faults: Fault[]) (scene: Scene) =
    scene.Server.Misbehave(bucket, scene.Key, faults)
    scene.Url, scene.Path

let ways = [
    {
        Name = "a success"
        Ready = misbehave [||]
        Error = ""
        Attempts = [ "200", "", "" ]
    }
    {
        Name = "a success after SlowDown"
        Ready = misbehave [| Fault.Status(503, "SlowDown") |]
        Error = ""
        Attempts = [ "503", "503", "SlowDown"; "200", "", "" ]
    }
    {
        Name = "a success after a reset"
        Ready = misbehave [| Fault.ResetBeforeBody |]
        Error = ""
        Attempts = [ "", "ConnectionReset", ""; "200", "", "" ]
    }
    {
        Name = "a refusal"
        Ready = misbehave [| Fault.Status(403, "AccessDenied") |]
        Error = "Refused"
        Attempts = [ "403", "403", "AccessDenied" ]
    }
    {
        Name = "three answers without a code"
        Ready = misbehave [| Fault.Status 500; Fault.Status 502; Fault.Status 504 |]
        Error = "Unavailable"
        Attempts = [ "500", "500", ""; "502", "502", ""; "504", "504", "" ]
    }
    {
        Name = "successes that come too early"
        Ready =
            fun scene ->
                let url, _ = misbehave (Array.replicate 3 (Fault.EarlySuccess false)) scene
                // More than the connection takes in ahead of the server.
                url, scene.Folder.Write("large", patterned 16_000_000)
        Error = "Unreachable"
        Attempts = List.replicate 3 ("200", "EarlyReply", "")
    }
    {
        Name = "another object's ETag, twice"
        Ready = misbehave [| Fault.WrongETag; Fault.WrongETag |]
        Error = "IntegrityMismatch"
        Attempts = [ "200", "", ""; "200", "", "" ]
    }
    {
        Name = "an expired URL"
        Ready =
            fun scene ->
                Presigner.Presign(
                    "PUT",
                    scene.Server.Endpoint,
                    bucket,
                    scene.Key,
                    "AKIAIOSFODNN7EXAMPLE",
                    "x",
                    "us-east-1",
                    DateTimeOffset.UtcNow.AddHours -2.,
                    TimeSpan.FromHours 1.
                ),
                scene.Path
        Error = "UrlExpired"
        Attempts = []
    }
    {
        Name = "a port that nobody listens at"
        Ready = fun scene -> $"http://127.0.0.1:1/x", scene.Path
        Error = "Unreachable"
        Attempts = List.replicate 3 ("", "ConnectionRefused", "")
    }
    {
        Name = "a missing file"
        Ready = fun scene -> scene.Url, scene.Folder.At "missing"
        Error = "SourceNotFound"
        Attempts = []
    }
]
