namespace CellOS.Export.S3.Core

open System
open System.Globalization
open System.Text
open System.Text.Json
open FsToolkit.ErrorHandling

/// What was exported, where to, and what the server confirmed of it. A pure value: it holds no secret.
type Receipt = {
    /// The kind of target: `s3`, `http` or `localPath`.
    TargetKind: string
    /// The target's name in the cell spec.
    TargetName: string option
    /// The logical address: `s3://bucket/key`, a URL without its query, or the path of a file.
    Destination: string
    /// How many bytes were sent and accepted.
    BytesWritten: int64
    /// The cell that the artifact came from.
    CellId: string
    /// The artifact's name within the cell.
    ArtifactName: string
    /// The region of the bucket, as configured.
    Region: string option
    /// Scheme, host and path that the bytes went to, without the query.
    ObjectUrl: string option
    /// 64 hexadecimal digits.
    Sha256: string
    /// 32 hexadecimal digits, where it was taken.
    Md5: string option
    /// Checksums that the store reported and that equal ours: the name of the algorithm (`sha256`, `md5`, `crc64nvme`,
    /// `crc64xz`, `crc32c`, `crc32`, `sha1`), and the octets in Base64.
    Checksums: Map<string, string>
    /// As the server sent it, with its quotes.
    ETag: string option
    /// `x-amz-version-id`.
    VersionId: string option
    /// `x-amz-request-id`, or the request id of another store's dialect.
    RequestId: string option
    /// `x-amz-id-2`.
    HostId: string option
    /// True if the URL was compared with the destination and is for the same object.
    DestinationChecked: bool
    /// What the server confirmed, as `Confirmation.Name` spells it: `checksum-sha256` … `unverified`.
    Integrity: string
    /// The number of attempts, 1 or more. A request that was repeated without `Expect` after a 417 belongs to its attempt.
    Attempts: int
    /// When the source had been opened, before the first attempt.
    StartedAt: DateTimeOffset
    /// When the reply was complete.
    CompletedAt: DateTimeOffset
}

/// Rules that this module keeps:
/// - JSON in camelCase, in the order of the fields, on one line; what is unknown is left out;
/// - times are UTC, to the millisecond, and end in `Z`;
/// - what `toJson` writes `parse` gives back; fields that it does not know it passes over, and what is no receipt
///   it refuses, whatever it is.
[<RequireQualifiedAccess>]
module Receipt =

    /// A moment as JSON tells it.
    let internal timestamp (at: DateTimeOffset) = JsonFields.Timestamp at

    let private writeChecksums (json: Utf8JsonWriter) (checksums: Map<string, string>) =
        if not checksums.IsEmpty then
            json.WriteStartObject "checksums"

            for checksum in checksums do
                json.WriteString(checksum.Key, checksum.Value)

            json.WriteEndObject()

    /// Writes the fields into an object that the writer has begun: a receipt on its own, or within something else.
    let internal writeFields (json: Utf8JsonWriter) (receipt: Receipt) =
        let optional = JsonLine.optional json
        json.WriteString("targetKind", receipt.TargetKind)
        optional "targetName" receipt.TargetName
        json.WriteString("destination", receipt.Destination)

        if not receipt.DestinationChecked then
            json.WriteBoolean("destinationChecked", false)

        json.WriteNumber("bytesWritten", receipt.BytesWritten)
        json.WriteString("cellId", receipt.CellId)
        json.WriteString("artifactName", receipt.ArtifactName)
        optional "region" receipt.Region
        optional "objectUrl" receipt.ObjectUrl
        json.WriteString("sha256", receipt.Sha256)
        optional "md5" receipt.Md5
        writeChecksums json receipt.Checksums
        optional "etag" receipt.ETag
        optional "versionId" receipt.VersionId
        optional "requestId" receipt.RequestId
        optional "hostId" receipt.HostId
        json.WriteString("integrity", receipt.Integrity)
        json.WriteNumber("attempts", receipt.Attempts)
        json.WriteString("startedAt", timestamp receipt.StartedAt)
        json.WriteString("completedAt", timestamp receipt.CompletedAt)

    /// The receipt as one line of JSON.
    [<CompiledName("ToJson")>]
    let toJson (receipt: Receipt) : string =
        JsonLine.write (fun json -> writeFields json receipt)

    let private fields =
        JsonFields("receipt", "This library did not write it, or it was damaged later.")

    let private checksums (root: JsonElement) =
        match root.TryGetProperty "checksums" with
        | true, value when value.ValueKind = JsonValueKind.Object ->
            [ for property in value.EnumerateObject() -> property.Name, property.Value ]
            |> List.traverseResultM (fun (name, value) ->
                fields.TextOf $"checksums.{name}" value |> Result.map (fun text -> name, text))
            |> Result.map Map.ofList
        | true, value when value.ValueKind <> JsonValueKind.Null ->
            fields.Refuse "does not have an object in 'checksums'"
        | _ -> Ok Map.empty

    /// Whether a text is 64 hexadecimal digits, in any case.
    let internal isSha256 (text: string) =
        not (isNull (box text))
        && text.Length = 64
        && text |> Seq.forall Char.IsAsciiHexDigit

    let private sha256 root =
        fields.Required root "sha256"
        |> Result.bind (fun text ->
            if isSha256 text then
                Ok text
            else
                fields.Refuse "has no 64 hexadecimal digits in 'sha256'")

    /// Reads the fields of an object.
    let internal ofElement (root: JsonElement) : Result<Receipt, Refusal> =
        result {
            let! targetKind = fields.Required root "targetKind"
            let! targetName = fields.Optional root "targetName"
            let! destination = fields.Required root "destination"
            let! bytesWritten = fields.Whole root "bytesWritten" 0L Int64.MaxValue
            let! cellId = fields.Required root "cellId"
            let! artifactName = fields.Required root "artifactName"
            let! region = fields.Optional root "region"
            let! objectUrl = fields.Optional root "objectUrl"
            let! sha256 = sha256 root
            let! md5 = fields.Optional root "md5"
            let! checksums = checksums root
            let! etag = fields.Optional root "etag"
            let! versionId = fields.Optional root "versionId"
            let! requestId = fields.Optional root "requestId"
            let! hostId = fields.Optional root "hostId"
            let! destinationChecked = fields.Flag root "destinationChecked" true
            let! integrity = fields.Required root "integrity"
            let! attempts = fields.Whole root "attempts" 1L (int64 Int32.MaxValue)
            let! startedAt = fields.Time root "startedAt"
            let! completedAt = fields.Time root "completedAt"

            return {
                TargetKind = targetKind
                TargetName = targetName
                Destination = destination
                BytesWritten = bytesWritten
                CellId = cellId
                ArtifactName = artifactName
                Region = region
                ObjectUrl = objectUrl
                Sha256 = sha256
                Md5 = md5
                Checksums = checksums
                ETag = etag
                VersionId = versionId
                RequestId = requestId
                HostId = hostId
                DestinationChecked = destinationChecked
                Integrity = integrity
                Attempts = int attempts
                StartedAt = startedAt
                CompletedAt = completedAt
            }
        }

    /// The receipt that a JSON text in UTF-8 holds. No field may stand in it twice.
    [<CompiledName("ParseUtf8")>]
    let parseUtf8 (json: ReadOnlyMemory<byte>) : Result<Receipt, Refusal> = fields.Parse json ofElement

    /// The receipt that a JSON text holds.
    [<CompiledName("Parse")>]
    let parse (json: string) : Result<Receipt, Refusal> =
        parseUtf8 (ReadOnlyMemory(Encoding.UTF8.GetBytes json))
