namespace CellOS.Export.S3.Core

open System
open System.Text.Json

/// What a line of a receipts file that is not a receipt says of an upload.
[<RequireQualifiedAccess>]
type UploadState =
    /// The upload began: earlier receipts of the object do not count, until another line about it follows.
    | Started
    /// The upload failed before the store could change the object: earlier receipts count again.
    | NotStored

/// A line of a receipts file about an upload to an object that has a receipt already. It holds no secret.
type UploadMark = {
    /// What the line says of the upload.
    State: UploadState
    /// The target's name in the cell spec; empty for none.
    TargetName: string
    /// The logical address, as in a receipt.
    Destination: string
    /// The cell that the artifact came from.
    CellId: string
    /// The artifact's name within the cell.
    ArtifactName: string
    /// Scheme, host and path that the upload goes to, without the query; `None` if unknown.
    ObjectUrl: string option
    /// When the line was written.
    At: DateTimeOffset
}

/// Rules that this module keeps:
/// - a line begins as a receipt does, so that a torn one is recognized, and is not a receipt, so that earlier versions
///   ignore it;
/// - what `toJson` writes `tryParse` gives back; unknown fields are ignored.
[<RequireQualifiedAccess>]
module UploadMark =

    let private nameOf (state: UploadState) =
        match state with
        | UploadState.Started -> "started"
        | UploadState.NotStored -> "not-stored"

    /// Writes the mark as one line of JSON.
    [<CompiledName("ToJson")>]
    let toJson (mark: UploadMark) : string =
        JsonLine.write (fun json ->
            json.WriteString("targetKind", (TargetKind.ofDestination mark.Destination).Name)
            json.WriteString("upload", nameOf mark.State)

            if mark.TargetName <> "" then
                json.WriteString("targetName", mark.TargetName)

            json.WriteString("destination", mark.Destination)
            json.WriteString("cellId", mark.CellId)
            json.WriteString("artifactName", mark.ArtifactName)
            JsonLine.optional json "objectUrl" mark.ObjectUrl
            json.WriteString("at", Receipt.timestamp mark.At))

    let private tryOfElement (root: JsonElement) : UploadMark option =
        let text (name: string) =
            match root.TryGetProperty name with
            | true, value when value.ValueKind = JsonValueKind.String -> Option.ofObj (value.GetString())
            | _ -> None

        let state =
            [ UploadState.Started; UploadState.NotStored ]
            |> List.tryFind (fun state -> text "upload" = Some(nameOf state))

        match state, text "targetKind", text "destination", text "cellId", text "artifactName" with
        | Some state, Some kind, Some destination, Some cell, Some artifact when TargetKind.isName kind ->
            Some {
                State = state
                TargetName = text "targetName" |> Option.defaultValue ""
                Destination = destination
                CellId = cell
                ArtifactName = artifact
                ObjectUrl = text "objectUrl"
                At =
                    match
                        DateTimeOffset.TryParse(
                            text "at" |> Option.toObj,
                            Globalization.CultureInfo.InvariantCulture
                        )
                    with
                    | true, at -> at
                    | _ -> DateTimeOffset.MinValue
            }
        | _ -> None

    /// Parses a line of JSON in UTF-8. `None` for a line that is not a mark.
    [<CompiledName("TryParseUtf8")>]
    let tryParseUtf8 (json: ReadOnlyMemory<byte>) : UploadMark option =
        try
            use document = JsonDocument.Parse json

            if
                document.RootElement.ValueKind = JsonValueKind.Object
                && Text.Unicode.Utf8.IsValid json.Span
            then
                tryOfElement document.RootElement
            else
                None
        with
        // Not JSON, or a text with half of a surrogate pair.
        | :? JsonException
        | :? InvalidOperationException -> None
