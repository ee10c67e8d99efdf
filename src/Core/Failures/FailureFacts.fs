namespace CellOS.Export.S3.Core

open System

/// A push that ended without a receipt: what happened, how certain that is, and what to do about it.
/// It holds no secret.
type ExportFailure = {
    /// Why, in a word for programs.
    Kind: FailureKind
    /// All of it in a few sentences, for people.
    Message: string
    /// The message without the artifact's name and address, for displays that name the artifact.
    Reason: string
    /// The kind of target.
    TargetKind: TargetKind
    /// The target's name in the cell spec.
    TargetName: string option
    /// The logical address that it was meant for.
    Destination: string
    /// The cell that the artifact came from.
    CellId: string
    /// The artifact's name within the cell.
    ArtifactName: string
    /// The number of attempts that were begun; may be 0.
    Attempts: int
    /// From the opening of the source to the end.
    Elapsed: TimeSpan
    /// The HTTP status of the last reply, the server's or a proxy's.
    Status: int option
    /// The S3 error code of the last reply.
    Code: string option
    /// The request id of the last response, as a store's support asks for it.
    RequestId: string option
    /// `x-amz-id-2` of the last response.
    HostId: string option
    /// Whether an object of this push may have been stored all the same.
    MayBeStored: bool
}

/// What is known of a push when it fails.
type internal FailureFacts = {
    Plan: PushPlan
    /// The URL that the last request went to, if there was one.
    Address: RequestUrl option
    /// What the URL in use says of itself, if there is one.
    Url: PresignedUrl option
    Length: int64
    /// The digests that went along with the last request as headers.
    DigestHeaders: RequestHeader list
    Attempts: int
    Elapsed: TimeSpan
    /// The outcome of the last attempt, its texts masked.
    Last: Outcome option
    MayBeStored: bool
    Now: DateTimeOffset
}

/// Reads the facts of a failed push.
[<RequireQualifiedAccess>]
module internal FailureFacts =

    /// The last response, if the last attempt has one.
    let reply (facts: FailureFacts) =
        match facts.Last with
        | Some(Outcome.Replied reply) -> Some reply
        | _ -> None

    /// The last fault, if the last attempt ended without a response.
    let fault (facts: FailureFacts) =
        match facts.Last with
        | Some(Outcome.NotSent fault | Outcome.Unknown fault) -> Some fault
        | _ -> None

    /// What the response says of where the object is, if that is not the destination.
    let (|OtherObject|_|) (facts: FailureFacts) (reply: Reply) : string option =
        match facts.Plan.Target.Bucket with
        | Some bucket when facts.Plan.Target.KeyCheck ->
            let destination = Bucket.value bucket, ObjectKey.value facts.Plan.Key
            let isPresigned = facts.Address |> Option.exists RequestUrl.isPresigned
            Verdict.namesOther destination isPresigned reply
        | _ -> None

    /// True if the body of the response is an HTML page.
    let isPage (reply: Reply) =
        reply.Error.IsNone
        && reply.Body |> Option.exists (fun body -> body.Format = BodyFormat.Html)

    /// True if nothing in the response is a store's: it has no body, no request id, no ETag and no checksum.
    let isUnmarked (reply: Reply) =
        let isStore (server: string) =
            [
                "AmazonS3"
                "MinIO"
                "UploadServer"
                "Windows-Azure"
                "AliyunOSS"
                "tencent-cos"
                "OBS"
                "Ceph"
            ]
            |> List.exists (fun name -> server.Contains(name, StringComparison.OrdinalIgnoreCase))

        reply.Error.IsNone
        && reply.Body.IsNone
        && not reply.IsMarked
        && not (reply.Server |> Option.exists isStore)

    /// The proxy that the last request went through, if there is one.
    let proxy (facts: FailureFacts) : ProxyHop option =
        match facts.Last with
        | Some(Outcome.Replied reply) -> reply.Proxy
        | Some(Outcome.NotSent fault | Outcome.Unknown fault) -> fault.Proxy
        | None -> None

    /// All that the last response says in words.
    let words (reply: Reply) : string =
        let ofError (error: S3Error) =
            Option.toList error.Message @ (error.Details |> List.map _.Content)

        let all = [
            yield! reply.Error |> Option.map ofError |> Option.defaultValue []
            yield! reply.Body |> Option.map _.VisibleText |> Option.toList
        ]

        String.Join('\n', all)

    /// The time at which the store says that it responded, to the second.
    let serverTime (reply: Reply) : DateTimeOffset option =
        reply.Date |> Option.bind Retry.httpDate

    /// True if the store says that the URL is not valid yet, or the URL begins in the future by the store's clock or by this
    /// machine's, and nothing else explains the refusal.
    let isNotYetValid (facts: FailureFacts) (reply: Reply) =
        let says (text: string) =
            (words reply).Contains(text, StringComparison.OrdinalIgnoreCase)

        let beginsLater =
            match facts.Url |> Option.bind _.SignedAt with
            | Some at ->
                let clock = serverTime reply |> Option.defaultValue facts.Now
                (at - clock).Ticks > SignedQuery.allowedSkew.Ticks
            | None -> false

        let mayBeExpiry =
            match reply.Error with
            | None -> false
            | Some error -> error.Code = "AccessDenied" && (error.Message.IsNone || says "Access Denied")

        (reply.Status = 400 || reply.Status = 401 || reply.Status = 403)
        && (says "not yet valid"
            || says "not valid yet"
            || says "not valid in the specified time frame"
            || beginsLater && mayBeExpiry)

    /// True if the times of presigner, store and this machine explain the refusal.
    let isAboutClocks (facts: FailureFacts) (reply: Reply) =
        reply.Error |> Option.exists (fun error -> error.Code = "RequestTimeTooSkewed")
        || isNotYetValid facts reply

    /// The time that the last response asks to wait, however long it is; zero if it asks for none.
    let askedWait (facts: FailureFacts) : TimeSpan =
        match reply facts with
        | Some reply -> Retry.asked RetryPolicy.MaxWait facts.Now reply.RetryAfter reply.AmzRetryAfter
        | None -> TimeSpan.Zero
