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
    /// The target's name in the cell spec.
    TargetName: string option
    /// The logical address that it was meant for.
    Destination: string
    /// The cell that the artifact came from.
    CellId: string
    /// The artifact's name within the cell.
    ArtifactName: string
    /// How many PUTs were begun; may be 0.
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

    /// True if the body of the response is an HTML page.
    let isPage (reply: Reply) =
        reply.Error.IsNone
        && reply.Body |> Option.exists (fun body -> body.Format = BodyFormat.Html)
