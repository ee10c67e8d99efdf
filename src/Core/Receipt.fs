namespace CellOS.Export.S3.Core

open System
open System.Globalization

/// What was exported, where to, and what the server confirmed of it. A pure value: it holds no secret.
type Receipt = {
    /// The kind of target: `s3`.
    TargetKind: string
    TargetName: string option
    /// `s3://bucket/key`: the logical address.
    Destination: string
    BytesWritten: int64
    CellId: string
    ArtifactName: string
    Region: string option
    /// Scheme, host and path that the bytes went to, without the query.
    ObjectUrl: string option
    /// 64 hexadecimal digits.
    Sha256: string
    /// 32 hexadecimal digits, where it was taken.
    Md5: string option
    /// As the server sent it, with its quotes.
    ETag: string option
    VersionId: string option
    RequestId: string option
    /// What the server confirmed: `content-md5`, `etag-md5`, `checksum-sha256` or `unverified`.
    Integrity: string
    /// How many PUTs it took; 1 or more.
    Attempts: int
    StartedAt: DateTimeOffset
    CompletedAt: DateTimeOffset
}

/// Rules that this module keeps:
/// - JSON in camelCase, in the order of the fields, on one line; what is unknown is left out;
/// - times are UTC, to the millisecond, and end in `Z`.
[<RequireQualifiedAccess>]
module Receipt =

    /// The kind of target that this library writes to.
    [<Literal>]
    let TargetKind = "s3"

    let private timestamp (at: DateTimeOffset) =
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)

    /// The receipt as one line of JSON.
    [<CompiledName("ToJson")>]
    let toJson (receipt: Receipt) : string =
        JsonLine.write (fun json ->
            let optional = JsonLine.optional json
            json.WriteString("targetKind", receipt.TargetKind)
            optional "targetName" receipt.TargetName
            json.WriteString("destination", receipt.Destination)
            json.WriteNumber("bytesWritten", receipt.BytesWritten)
            json.WriteString("cellId", receipt.CellId)
            json.WriteString("artifactName", receipt.ArtifactName)
            optional "region" receipt.Region
            optional "objectUrl" receipt.ObjectUrl
            json.WriteString("sha256", receipt.Sha256)
            optional "md5" receipt.Md5
            optional "etag" receipt.ETag
            optional "versionId" receipt.VersionId
            optional "requestId" receipt.RequestId
            json.WriteString("integrity", receipt.Integrity)
            json.WriteNumber("attempts", receipt.Attempts)
            json.WriteString("startedAt", timestamp receipt.StartedAt)
            json.WriteString("completedAt", timestamp receipt.CompletedAt))
