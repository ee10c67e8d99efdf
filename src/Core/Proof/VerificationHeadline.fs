namespace CellOS.Export.S3.Core

/// The verdict, in one word.
[<RequireQualifiedAccess>]
type PageTone =
    /// Seals, the newest head of each file of seals, and files were checked, and nothing is wrong.
    | Verified
    /// Nothing is wrong that was not accepted; seals, a head or files were not given to be checked, or something was accepted.
    | VerifiedInPart
    /// A check failed.
    | Failed
    /// Something could not be read, and nothing else is wrong.
    | Incomplete

    /// The word of the verdict.
    member this.Name =
        match this with
        | Verified -> "Verified"
        | VerifiedInPart -> "Verified in part"
        | Failed -> "Failed"
        | Incomplete -> "Incomplete"

/// The verdict in words that need no knowledge of the tool. `VerificationResult.verdict` is the exact one.
///
/// A rule that this module keeps: a headline claims no more than was checked. Only sealed receipts and compared files are "what was
/// exported".
[<RequireQualifiedAccess>]
module VerificationHeadline =

    /// The word of the verdict.
    [<CompiledName("Tone")>]
    let tone (result: VerificationResult) : PageTone =
        let isComplete =
            result.Scope.HasSeals
            && result.IsAnchored
            && result.Scope.HasBundle
            && (VerificationResult.accepted result).IsEmpty

        if result.HasFailed then PageTone.Failed
        elif not result.IsGood then PageTone.Incomplete
        elif isComplete then PageTone.Verified
        else PageTone.VerifiedInPart

    let private count = VerificationResult.count
    let private artifacts = Amount.counted "artifact"
    let private receipts = Amount.counted "receipt"
    let private lines = Amount.counted "line"
    let private seals = Amount.counted "seal"
    let private inputs = Amount.counted "input"

    /// The number of artifacts whose content is not that of their receipts.
    let internal different (result: VerificationResult) =
        count ArtifactStatus.Altered result
        + count ArtifactStatus.Missing result
        + count ArtifactStatus.Unexpected result

    let private all (result: VerificationResult) =
        match result.Count with
        | 1L -> "The only artifact"
        | count -> $"All {artifacts count}"

    let private are (count: int64) = if count = 1L then "is" else "are"

    let private goodHeadline (result: VerificationResult) =
        let scope = result.Scope
        let verb = are result.Count

        if result.Count = 0L then
            "The seals are valid, and state that nothing was stored"
        elif not (VerificationResult.accepted result).IsEmpty then
            if scope.HasBundle then
                $"{all result} {verb} as recorded, except what was accepted"
            else
                "No check failed, but something was accepted, and no file was compared"
        else
            match scope.HasSeals, scope.HasBundle with
            | true, true -> $"{all result} {verb} what was exported"
            | false, true -> $"{all result} {verb} what the receipts state"
            | true, false ->
                if result.Count = 1L then
                    "The receipt is sealed"
                else
                    $"All {receipts result.Count} are sealed"
            | false, false ->
                if result.Count = 1L then
                    "The receipt names what the store confirmed"
                else
                    $"All {receipts result.Count} name what the store confirmed"

    let private failedHeadline (result: VerificationResult) =
        let different = different result
        let of' = $"of {artifacts result.Count}"

        if result.IsEmpty then
            "There is nothing to verify"
        elif different > 0L then
            let what =
                if result.Scope.HasSeals then "what was exported" else "what the receipts state"

            $"{Amount.number different} {of'} {are different} not {what}"
        elif result.Failed > 0L then
            $"{Amount.number result.Failed} {of'} {are result.Failed} not proven"
        else
            "The records of the export are damaged, or were changed"

    /// The verdict in a sentence that needs no knowledge of the tool, without a full stop.
    [<CompiledName("Headline")>]
    let headline (result: VerificationResult) : string =
        match tone result with
        | PageTone.Verified
        | PageTone.VerifiedInPart -> goodHeadline result
        | PageTone.Failed -> failedHeadline result
        | PageTone.Incomplete -> "Not everything could be checked"

    let internal sentence (text: string) =
        if text.Length = 0 then
            text
        else
            $"{System.Char.ToUpperInvariant text[0]}{text.Substring 1}."

    /// More about the verdict, a sentence each.
    [<CompiledName("Details")>]
    let details (result: VerificationResult) : string list = [
        let parts =
            [
                ArtifactStatus.Altered, "was altered", "were altered"
                ArtifactStatus.Missing, "is missing", "are missing"
                ArtifactStatus.Unexpected, "has no receipt", "have no receipt"
            ]
            |> List.choose (fun (status, one, several) ->
                match count status result with
                | 0L -> None
                | 1L -> Some $"1 {one}"
                | count -> Some $"{Amount.number count} {several}")

        let others = result.Failed - different result

        let parts =
            if parts.IsEmpty || others = 0L then
                parts
            else
                parts @ [ $"{Amount.number others} {are others} not proven" ]

        if not parts.IsEmpty then
            sentence (String.concat ", " parts)

        match VerificationResult.accepted result with
        | [] -> ()
        | accepted -> sentence ("accepted: " + String.concat ", " accepted)

        if result.BadLines > 0L then
            sentence $"{lines result.BadLines} of the receipts cannot be relied on"

        if result.Seals.Bad > 0L then
            sentence
                $"{Amount.number result.Seals.Bad} of {seals result.Seals.Lines} {are result.Seals.Bad} not valid"

        let anchors status =
            result.Anchors |> List.exists (fun anchor -> anchor.Status = status)

        if anchors AnchorStatus.Removed then
            "Seals were removed."

        if anchors AnchorStatus.Replaced then
            "The seals are not those of the given head."

        if result.Unreadable > 0L then
            sentence $"{inputs result.Unreadable} could not be read"

        if not result.Scope.HasBundle then
            "The files themselves were not compared."

        if not result.Scope.HasSeals then
            "No seal was checked, and anybody can write a receipt."
        elif result.Anchors.IsEmpty then
            "No head was given, so that seals which were removed from the end do not show."
        elif result.HasOldHead then
            "A file of seals goes on after the given heads: seals which were removed from its end do not show."

        if result.Seals.Failures > 0L then
            sentence
                $"the seals state that {artifacts result.Seals.Failures} {are result.Seals.Failures} not exported: these are not evidence"
    ]
