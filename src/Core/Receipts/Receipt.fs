namespace CellOS.Export.S3.Core

open System
open System.Globalization
open System.Text
open System.Text.Json
open FsToolkit.ErrorHandling

/// What was exported, where to, and what the server confirmed of it. A pure value: it holds no secret.
type Receipt = {
    /// The kind of target: `s3`.
    TargetKind: string
    /// The target's name in the cell spec.
    TargetName: string option
    /// `s3://bucket/key`: the logical address.
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

    /// The kind of target that this library writes to.
    [<Literal>]
    let TargetKind = "s3"

    /// A moment as JSON tells it.
    let internal timestamp (at: DateTimeOffset) =
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)

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

    let private strict =
        JsonDocumentOptions(AllowDuplicateProperties = false, MaxDepth = 64)

    let private refuse problem =
        Check.refuse "receipt" problem "This library did not write it, or it was damaged later."

    /// A text, where there is one. An escape may stand for half of a surrogate pair, which is no text.
    let private textOf (name: string) (value: JsonElement) =
        match value.ValueKind with
        | JsonValueKind.String ->
            try
                Ok(nonNull (value.GetString()))
            with :? InvalidOperationException ->
                refuse $"has a text in '{name}' that is no Unicode"
        | _ -> refuse $"has no text in '{name}'"

    let private field (root: JsonElement) (name: string) =
        match root.TryGetProperty name with
        | true, value -> Ok value
        | _ -> refuse $"has no '{name}'"

    let private required root name =
        field root name |> Result.bind (textOf name)

    let private optional (root: JsonElement) (name: string) =
        match root.TryGetProperty name with
        | true, value when value.ValueKind <> JsonValueKind.Null -> textOf name value |> Result.map Some
        | _ -> Ok None

    let private flag (root: JsonElement) (name: string) (otherwise: bool) =
        match root.TryGetProperty name with
        | true, value ->
            match value.ValueKind with
            | JsonValueKind.True -> Ok true
            | JsonValueKind.False -> Ok false
            | JsonValueKind.Null -> Ok otherwise
            | _ -> refuse $"does not have true or false in '{name}'"
        | _ -> Ok otherwise

    let private checksums (root: JsonElement) =
        match root.TryGetProperty "checksums" with
        | true, value when value.ValueKind = JsonValueKind.Object ->
            [ for property in value.EnumerateObject() -> property.Name, property.Value ]
            |> List.traverseResultM (fun (name, value) ->
                textOf $"checksums.{name}" value |> Result.map (fun text -> name, text))
            |> Result.map Map.ofList
        | true, value when value.ValueKind <> JsonValueKind.Null ->
            refuse "does not have an object in 'checksums'"
        | _ -> Ok Map.empty

    let private whole root (name: string) (least: int64) (most: int64) =
        field root name
        |> Result.bind (fun value ->
            match value.ValueKind with
            | JsonValueKind.Number ->
                match value.TryGetInt64() with
                | true, number when number >= least && number <= most -> Ok number
                | _ -> refuse $"has no whole number from {least} to {most} in '{name}'"
            | _ -> refuse $"has no number in '{name}'")

    let private time root (name: string) =
        required root name
        |> Result.bind (fun text ->
            match
                DateTimeOffset.TryParseExact(
                    text,
                    "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal
                )
            with
            | true, at -> Ok at
            | _ -> refuse $"has no time such as 2026-05-01T12:00:00.000Z in '{name}'")

    /// Whether a text is 64 hexadecimal digits, in any case.
    let internal isSha256 (text: string) =
        not (isNull (box text))
        && text.Length = 64
        && text |> Seq.forall Char.IsAsciiHexDigit

    let private sha256 root =
        required root "sha256"
        |> Result.bind (fun text ->
            if isSha256 text then
                Ok text
            else
                refuse "has no 64 hexadecimal digits in 'sha256'")

    let private ofElement (root: JsonElement) =
        result {
            let! targetKind = required root "targetKind"
            let! targetName = optional root "targetName"
            let! destination = required root "destination"
            let! bytesWritten = whole root "bytesWritten" 0L Int64.MaxValue
            let! cellId = required root "cellId"
            let! artifactName = required root "artifactName"
            let! region = optional root "region"
            let! objectUrl = optional root "objectUrl"
            let! sha256 = sha256 root
            let! md5 = optional root "md5"
            let! checksums = checksums root
            let! etag = optional root "etag"
            let! versionId = optional root "versionId"
            let! requestId = optional root "requestId"
            let! hostId = optional root "hostId"
            let! destinationChecked = flag root "destinationChecked" true
            let! integrity = required root "integrity"
            let! attempts = whole root "attempts" 1L (int64 Int32.MaxValue)
            let! startedAt = time root "startedAt"
            let! completedAt = time root "completedAt"

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
    let parseUtf8 (json: ReadOnlyMemory<byte>) : Result<Receipt, Refusal> =
        try
            use document = JsonDocument.Parse(json, strict)

            // The parser checks no text in a string, and its reader would throw.
            if not (Unicode.Utf8.IsValid json.Span) then
                refuse "is not valid UTF-8"
            elif document.RootElement.ValueKind = JsonValueKind.Object then
                ofElement document.RootElement
            else
                refuse "is no JSON object"
        with :? JsonException ->
            // Its message may quote the text.
            refuse "is no JSON, or has a field twice"

    /// The receipt that a JSON text holds.
    [<CompiledName("Parse")>]
    let parse (json: string) : Result<Receipt, Refusal> =
        parseUtf8 (ReadOnlyMemory(Encoding.UTF8.GetBytes json))
