namespace CellOS.Export.S3.Core

open System
open FsToolkit.ErrorHandling

/// The limits in time of a push. Both timeouts bound every attempt; there is never an attempt without them.
type Limits = {
    /// For name resolution, TCP, proxy and TLS.
    ConnectTimeout: TimeSpan
    /// For one attempt as a whole.
    RequestTimeout: TimeSpan
    /// The longest time in which no byte moves.
    StallTimeout: TimeSpan option
    /// For all attempts together.
    Deadline: TimeSpan option
}

[<RequireQualifiedAccess>]
module Limits =
    /// 10 s to connect, 30 s for an attempt, no stall timeout, no deadline.
    let defaults = {
        ConnectTimeout = TimeSpan.FromMilliseconds(float Settings.DefaultConnectTimeoutMs)
        RequestTimeout = TimeSpan.FromMilliseconds(float Settings.DefaultRequestTimeoutMs)
        StallTimeout = None
        Deadline = None
    }

    let private positive subject (value: TimeSpan) =
        if value <= TimeSpan.Zero then
            Check.refuse
                subject
                $"is {value.TotalMilliseconds} ms"
                "Give a positive time: an upload is never made without limits."
        elif value > RetryPolicy.MaxWait then
            Check.refuse
                subject
                $"is {value.TotalMilliseconds} ms"
                $"Give at most {RetryPolicy.MaxWait.TotalMilliseconds} ms."
        else
            Ok value

    let private positiveIfGiven subject value =
        match value with
        | None -> Ok None
        | Some value -> positive subject value |> Result.map Some

    /// The limits, if all are positive and none is longer than a timer takes; all that is wrong is told at once.
    [<CompiledName("Check")>]
    let check (limits: Limits) =
        validation {
            let! connect = positive "connect timeout" limits.ConnectTimeout
            and! request = positive "request timeout" limits.RequestTimeout
            and! stall = positiveIfGiven "stall timeout" limits.StallTimeout
            and! deadline = positiveIfGiven "deadline" limits.Deadline

            return {
                ConnectTimeout = connect
                RequestTimeout = request
                StallTimeout = stall
                Deadline = deadline
            }
        }

/// Where a push gets its URL from.
[<RequireQualifiedAccess>]
type UrlSource =
    /// It is known, and stays the same for all attempts.
    | Given of RequestUrl
    /// The driver is asked for one before the first attempt, and again when it has expired.
    | Asked

/// All that a sink knows before it sees an artifact: one target of one cell.
type Target = {
    Name: TargetName option
    CellId: CellId
    Bucket: Bucket
    KeyPrefix: KeyPrefix
    Region: string option
    /// `None` where URLs are asked for one by one.
    Url: UrlTemplate option
    Retry: RetryPolicy
    Limits: Limits
    Integrity: IntegrityMode
    /// `If-None-Match: *`: never overwrite.
    WriteOnce: bool
    /// From how many bytes on `Expect: 100-continue` is sent; `None` for never.
    ExpectContinueFrom: int64 option
    /// The largest artifact.
    MaxObjectBytes: int64
}

[<RequireQualifiedAccess>]
module Target =
    /// The most that one PUT may carry: 5 GiB (Amazon S3 User Guide, "Uploading objects").
    [<Literal>]
    let MaxPutBytes = 5368709120L

    /// 1 MiB.
    [<Literal>]
    let DefaultExpectContinueFrom = 1048576L

    /// A target with the default limits, three attempts, and what a server reports verified.
    [<CompiledName("Create")>]
    let create (cellId: CellId) (bucket: Bucket) (url: UrlTemplate option) = {
        Name = None
        CellId = cellId
        Bucket = bucket
        KeyPrefix = KeyPrefix.none
        Region = None
        Url = url
        Retry = RetryPolicy.defaults
        Limits = Limits.defaults
        Integrity = IntegrityMode.Verify
        WriteOnce = false
        ExpectContinueFrom = Some DefaultExpectContinueFrom
        MaxObjectBytes = MaxPutBytes
    }

/// One artifact on its way to one place. Made before the file is opened.
type PushPlan = {
    Target: Target
    Artifact: ArtifactName
    Destination: Destination
    Url: UrlSource
}

[<RequireQualifiedAccess>]
module PushPlan =
    /// The plan for an artifact; refused if its key would be longer than S3 allows.
    [<CompiledName("Create")>]
    let create (target: Target) (artifact: ArtifactName) : Result<PushPlan, Refusal> =
        result {
            let! key = ObjectKey.create target.KeyPrefix target.CellId artifact

            return {
                Target = target
                Artifact = artifact
                Destination = Destination.create target.Bucket key
                Url =
                    match target.Url with
                    | Some template -> UrlSource.Given(UrlTemplate.render target.CellId artifact template)
                    | None -> UrlSource.Asked
            }
        }
