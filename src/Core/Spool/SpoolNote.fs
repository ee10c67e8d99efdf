namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open System.Text.Json
open FsToolkit.ErrorHandling

/// What a spool says of an artifact that it keeps. It holds no URL and no credential.
type SpoolNote = {
    /// The kind of its target.
    TargetKind: TargetKind
    /// The name of its target; `None` for the default sink.
    TargetName: TargetName option
    /// The cell whose evidence it is.
    CellId: CellId
    /// Its name within the cell.
    ArtifactName: ArtifactName
    /// The length of the copy in bytes.
    Bytes: int64
    /// The SHA-256 of the copy: 64 hexadecimal digits in lower case.
    Sha256: string
    /// The media type that it is stored with, if any.
    ContentType: string option
    /// The headers that it is sent with, in the order of their names.
    Headers: RequestHeader list
    /// When it was copied.
    SpooledAt: DateTimeOffset
    /// The name of the `FailureKind` of its last export.
    FailureKind: string
    /// The message of that failure, without secrets.
    Failure: string
}

/// Reads and writes notes.
///
/// Rules that this module keeps:
/// - JSON on one line, in this order, with the version of the form first; what is unknown is left out;
/// - what `toJson` writes `parse` gives back; unknown fields are ignored;
/// - a note of a newer version is refused with that reason, since its fields may mean something else; anything else
///   is rejected.
[<RequireQualifiedAccess>]
module SpoolNote =

    /// The version of the form.
    [<Literal>]
    let Version = 1

    [<Literal>]
    let private Subject = "spool note"

    [<Literal>]
    let private Remedy =
        "Nothing was removed. Look at the copy beside it, and export that by hand."

    let private fields = JsonFields(Subject, Remedy)

    /// The note as one line of JSON.
    [<CompiledName("ToJson")>]
    let toJson (note: SpoolNote) : string =
        JsonLine.write (fun json ->
            json.WriteNumber("version", Version)
            json.WriteString("targetKind", note.TargetKind.Name)
            JsonLine.optional json "targetName" (note.TargetName |> Option.map TargetName.value)
            json.WriteString("cellId", CellId.value note.CellId)
            json.WriteString("artifactName", ArtifactName.value note.ArtifactName)
            json.WriteNumber("bytes", note.Bytes)
            json.WriteString("sha256", note.Sha256)
            JsonLine.optional json "contentType" note.ContentType

            if not note.Headers.IsEmpty then
                json.WriteStartObject "headers"

                for header in note.Headers do
                    json.WriteString(RequestHeader.name header, RequestHeader.reveal header)

                json.WriteEndObject()

            json.WriteString("spooledAt", JsonFields.Timestamp note.SpooledAt)
            json.WriteStartObject "failure"
            json.WriteString("kind", note.FailureKind)
            json.WriteString("message", note.Failure)
            json.WriteEndObject())

    /// What an artifact is sent with: its media type and headers; or why it is not kept with them.
    [<CompiledName("Metadata")>]
    let metadata
        (contentType: string | null)
        (headers: KeyValuePair<string, string> seq)
        : Result<string option * RequestHeader list, Refusal> =
        result {
            let! contentType =
                contentType |> Option.ofObj |> Option.traverseResult ContentType.create

            let! headers = RequestHeaders.create headers |> Result.mapError List.head

            do!
                match SpoolPolicy.onHeaders headers with
                | Some refusal -> Error refusal
                | None -> Ok()

            return contentType, headers
        }

    /// A value of another module, whose refusal becomes one of the note.
    let private accepted (name: string) (result: Result<'value, Refusal>) : Result<'value, Refusal> =
        match result with
        | Ok value -> Ok value
        | Error refusal -> fields.Refuse $"has a '{name}' that {refusal.Problem}"

    let private version (root: JsonElement) : Result<unit, Refusal> =
        fields.Whole root "version" 1L (int64 Int32.MaxValue)
        |> Result.bind (fun version ->
            if version = int64 Version then
                Ok()
            else
                Check.refuse
                    Subject
                    (Check.invariant
                        $"is of version {version}, and this version of the library reads {Version}")
                    "Drain the spool with the version that wrote it, or a newer one. Nothing was removed.")

    let private kind (root: JsonElement) : Result<TargetKind, Refusal> =
        fields.Required root "targetKind"
        |> Result.bind (fun name ->
            match TargetKind.all |> List.tryFind (fun kind -> kind.Name = name) with
            | Some kind -> Ok kind
            | None -> fields.Refuse "has a 'targetKind' that this library does not know")

    let private sha256 (root: JsonElement) : Result<string, Refusal> =
        fields.Required root "sha256"
        |> Result.bind (fun text ->
            if Receipt.isSha256 text then
                Ok(text.ToLowerInvariant())
            else
                fields.Refuse "has no 64 hexadecimal digits in 'sha256'")

    let private headers (root: JsonElement) : Result<RequestHeader list, Refusal> =
        match root.TryGetProperty "headers" with
        | true, value when value.ValueKind = JsonValueKind.Object ->
            [ for property in value.EnumerateObject() -> property.Name, property.Value ]
            |> List.traverseResultM (fun (name, value) ->
                fields.TextOf "headers" value
                |> Result.map (fun text -> KeyValuePair(name, text)))
            |> Result.bind (fun pairs ->
                RequestHeaders.create pairs |> Result.mapError List.head |> accepted "headers")
        | true, value when value.ValueKind <> JsonValueKind.Null ->
            fields.Refuse "does not have an object in 'headers'"
        | _ -> Ok []

    let private ofElement (root: JsonElement) : Result<SpoolNote, Refusal> =
        result {
            // First: fields of another version may mean something else.
            do! version root
            let! kind = kind root

            let! targetName =
                fields.Optional root "targetName"
                |> Result.bind (Option.traverseResult (TargetName.create >> accepted "targetName"))

            let! cellId =
                fields.Required root "cellId"
                |> Result.bind (CellId.create >> accepted "cellId")

            let! artifactName =
                fields.Required root "artifactName"
                |> Result.bind (ArtifactName.create >> accepted "artifactName")

            let! bytes = fields.Whole root "bytes" 0L Int64.MaxValue
            let! sha256 = sha256 root

            let! contentType =
                fields.Optional root "contentType"
                |> Result.bind (Option.traverseResult (ContentType.create >> accepted "contentType"))

            let! headers = headers root
            let! spooledAt = fields.Time root "spooledAt"
            let! failure = fields.Object root "failure"
            let! failureKind = fields.Required failure "kind"
            let! message = fields.Required failure "message"

            return {
                TargetKind = kind
                TargetName = targetName
                CellId = cellId
                ArtifactName = artifactName
                Bytes = bytes
                Sha256 = sha256
                ContentType = contentType
                Headers = headers
                SpooledAt = spooledAt
                FailureKind = failureKind
                Failure = message
            }
        }

    /// The note that a JSON text in UTF-8 holds; or why it is not one.
    [<CompiledName("ParseUtf8")>]
    let parseUtf8 (json: ReadOnlyMemory<byte>) : Result<SpoolNote, Refusal> = fields.Parse json ofElement

    /// Why a new note does not take the place of this one: what is not understood stays as it is. `None` if it does.
    [<CompiledName("OnOlder")>]
    let onOlder (json: ReadOnlyMemory<byte>) : Refusal option =
        match parseUtf8 json with
        | Ok _ -> None
        | Error refusal ->
            Some {
                refusal with
                    Subject = "note of an older copy of the artifact, which would be replaced,"
            }
