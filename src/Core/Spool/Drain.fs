namespace CellOS.Export.S3.Core

open System

/// The copy of an entry, as the file system shows it.
[<RequireQualifiedAccess>]
type SpoolContent =
    /// The entry has no copy.
    | Missing
    /// Something that is not a regular file has its name.
    | NotAFile
    /// A file of this length in bytes.
    | File of Length: int64

/// What is in the folder of an entry.
type SpoolFound = {
    /// The name of the folder.
    Entry: string
    /// The note; `None` if there is none.
    Note: Result<SpoolNote, Refusal> option
    /// The copy that the note names.
    Content: SpoolContent
    /// The receipt that a later export of the artifact left here; `None` if there is none.
    Receipt: Result<Receipt, Refusal> option
}

/// The one target that a drain is asked for.
type DrainTarget = {
    /// Its name; `None` for the default sink.
    Name: TargetName option
    /// Its kind; `None` for any.
    Kind: TargetKind option
}

/// A target that a drain has a sink for.
type DrainSink = {
    /// Its name; `None` for the default sink.
    Name: TargetName option
    /// Its kind.
    Kind: TargetKind
}

/// What a drain is asked for, and what it has sinks for.
type DrainScope = {
    /// The targets that it has sinks for.
    Sinks: DrainSink list
    /// The one target that it is asked for; `None` for all.
    Only: DrainTarget option
    /// The one cell that it is asked for; `None` for all.
    Cell: CellId option
}

/// What a drain does with an entry.
[<RequireQualifiedAccess>]
type DrainStep =
    /// Export the copy; then, with the receipt on disk, remove the entry.
    | Export of SpoolNote
    /// A later export of the artifact has a receipt: write it, then remove the entry.
    | Finish of SpoolNote * Receipt
    /// Remove it: a crash left it behind before it was reported as spooled, or after its receipt was on disk.
    | Clean
    /// Leave it: the drain is asked for others.
    | Leave
    /// Leave it, and report why.
    | Refuse of Refusal

/// Decides what a drain does.
///
/// Rules that this module keeps:
/// - it is total; an entry is removed only with a receipt of its artifact, or if nothing was ever reported of it;
/// - an entry that is not understood stays as it is.
[<RequireQualifiedAccess>]
module Drain =

    let private refuse problem remedy =
        DrainStep.Refuse {
            Subject = "spool entry"
            Problem = problem
            Remedy = remedy
        }

    let private shown (name: TargetName option) =
        match name with
        | Some name -> $"the target {Check.quote (TargetName.value name)}"
        | None -> "the default sink"

    let private isOf (note: SpoolNote) (receipt: Receipt) =
        receipt.TargetKind = note.TargetKind.Name
        && receipt.TargetName = Option.map TargetName.value note.TargetName
        && receipt.CellId = CellId.value note.CellId
        && receipt.ArtifactName = ArtifactName.value note.ArtifactName

    let private isAsked (scope: DrainScope) (note: SpoolNote) =
        (match scope.Only with
         | Some only -> only.Name = note.TargetName && only.Kind |> Option.forall ((=) note.TargetKind)
         | None -> true)
        && (scope.Cell.IsNone || scope.Cell = Some note.CellId)

    /// Why the sinks do not take an entry; `None` if there is one for it.
    let private onSink (scope: DrainScope) (note: SpoolNote) : DrainStep option =
        match scope.Sinks |> List.tryFind (fun sink -> sink.Name = note.TargetName) with
        | Some sink when sink.Kind = note.TargetKind -> None
        | Some sink ->
            refuse
                $"is for {shown note.TargetName} of kind '{note.TargetKind.Word}', whose kind is '{sink.Kind.Word}' now"
                "Drain it with the spec that it was exported with."
            |> Some
        | None ->
            refuse
                $"is for {shown note.TargetName}, which the spec does not contain"
                "Drain it with the spec and the environment that it was exported with."
            |> Some

    let private onContent (found: SpoolFound) (note: SpoolNote) =
        match found.Content with
        | SpoolContent.Missing ->
            refuse "has no copy" "Export the artifact again, or remove the entry if it is not needed."
        | SpoolContent.NotAFile ->
            refuse
                "has something in the place of its copy that is not a file"
                "Look for what put it there; restore the copy, or remove the entry if it is not needed."
        | SpoolContent.File length when length <> note.Bytes ->
            refuse
                (Check.invariant $"has a copy of {length} bytes, and {note.Bytes} bytes were spooled")
                "Look at the disk. Export the artifact again, or remove the entry if it is not needed."
        | SpoolContent.File _ -> DrainStep.Export note

    let private onReceiptFound (found: SpoolFound) (note: SpoolNote) =
        match found.Receipt with
        | None -> onContent found note
        | Some(Ok receipt) when isOf note receipt -> DrainStep.Finish(note, receipt)
        | Some(Ok _) ->
            refuse
                "has the receipt of another artifact"
                "Look for what put it there, and remove that receipt."
        | Some(Error refusal) ->
            refuse
                $"has a damaged receipt, which {refusal.Problem}"
                "Compare the copy with the object in the store; then remove the receipt or the entry."

    /// What a drain does with an entry.
    [<CompiledName("Decide")>]
    let decide (scope: DrainScope) (found: SpoolFound) : DrainStep =
        match found.Note with
        | None -> DrainStep.Clean
        | Some(Error refusal) -> DrainStep.Refuse refusal
        | Some(Ok note) when SpoolEntry.ofNote note <> found.Entry ->
            refuse
                "has the note of another artifact"
                "Look for what put it there; remove the entry if it is not needed."
        | Some(Ok note) when not (isAsked scope note) -> DrainStep.Leave
        | Some(Ok note) -> onSink scope note |> Option.defaultWith (fun () -> onReceiptFound found note)

    /// Why an entry stays although its export gave this receipt; `None` if it is removed when the receipt is on disk.
    [<CompiledName("OnReceipt")>]
    let onReceipt (note: SpoolNote) (receipt: Receipt) : Refusal option =
        let problem =
            if not (isOf note receipt) then
                Some "is of another artifact"
            elif
                not (receipt.Sha256.Equals(note.Sha256, StringComparison.OrdinalIgnoreCase))
                || receipt.BytesWritten <> note.Bytes
            then
                Some "is of other content than was spooled"
            else
                None

        problem
        |> Option.map (fun problem -> {
            Subject = "receipt"
            Problem = problem
            Remedy = "The entry stays in the spool. Look at the disk and at what changes the spool."
        })

    /// Why the receipt of a later export does not take the place of an older copy; `None` if it does.
    [<CompiledName("OnLater")>]
    let onLater (note: SpoolNote) (asksCommand: bool) (receipt: Receipt) : Refusal option =
        let stays problem remedy =
            Some {
                Subject = "receipt of a later export"
                Problem = problem
                Remedy = remedy
            }

        if not (isOf note receipt) then
            stays
                "is of another artifact, target or cell than the sink's, so that the older copy stays in the spool"
                "Give the spooling sink the target name and the cell of its inner sink."
        // A command that is found to mislead takes its receipts back, and the copy would be gone by then.
        elif asksCommand && not receipt.DestinationChecked then
            stays
                "is of a URL from a command whose destination was not compared, so that the older copy stays in the spool"
                "Drain the spool: it exports the older copy. Then export the newer artifact again."
        else
            None

    /// Why an entry that was listed is not exported: it is not there any more, or is not asked for any more.
    [<CompiledName("Gone")>]
    let gone: Refusal = {
        Subject = "spool entry"
        Problem = "was removed or replaced by another program while the drain ran"
        Remedy = "Run the drain again."
    }

    /// Why an artifact does not fit its target, in the words of the sink.
    [<CompiledName("Unfit")>]
    let unfit (words: string) : Refusal = {
        Subject = "artifact"
        Problem = $"does not fit its target: {(Shown.line words).TrimEnd '.'}"
        Remedy = "Drain it with the spec that it was exported with."
    }

    /// Why a copy is not exported: its content has another SHA-256 than was spooled; `None` if it is exported.
    [<CompiledName("OnDigest")>]
    let onDigest (note: SpoolNote) (sha256: string) : Refusal option =
        if sha256.Equals(note.Sha256, StringComparison.OrdinalIgnoreCase) then
            None
        else
            Some {
                Subject = "copy in the spool"
                Problem = "is damaged or was changed: it has another SHA-256 than was spooled"
                Remedy = "Nothing was removed. Look at the disk, and export the artifact again."
            }
