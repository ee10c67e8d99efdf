namespace CellOS.Export.S3.Core

/// A line of a report, for display: visible, on one line and without secrets.
type ReportLine = {
    /// What it is about, in a word or two.
    Word: string
    /// What was found.
    Text: string
}

/// The words that the reports of a verification share. All texts are for display.
[<RequireQualifiedAccess>]
module VerificationWords =

    let private line word text = {
        Word = word
        Text = Shown.sentence text
    }

    /// What is wrong with a line of a file of seals, or with an envelope of another program, whose number is 0. `None` if it is
    /// valid. The name of the file is for display.
    [<CompiledName("OfSeal")>]
    let ofSeal (file: string) (seal: CheckedSeal) : ReportLine option =
        let place =
            if seal.Number = 0L then file else Check.invariant $"{file}, line {seal.Number}"

        seal.Status.Problem
        |> Option.map (fun problem -> line seal.Status.Name $"{place}: {problem}")

    /// What is wrong with a line of a file of receipts. The name of the file is for display, the problem a predicate without a full stop.
    [<CompiledName("OfLine")>]
    let ofLine (file: string) (number: int64) (problem: string) : ReportLine =
        line "bad line" (Check.invariant $"{file}, line {number}: {problem}")

    /// What cannot be read, as a sentence.
    [<CompiledName("OfUnreadable")>]
    let ofUnreadable (problem: string) : ReportLine = line "unreadable" problem

    /// What an artifact is, in a word or two: what is wrong with it, even if its content is right.
    [<CompiledName("Word")>]
    let word (finding: ArtifactFinding) : string =
        match finding.Status with
        | _ when finding.IsGood -> finding.Status.Name
        | ArtifactStatus.Intact
        | ArtifactStatus.NotCompared ->
            if finding.IsUnreadable then "unreadable"
            elif finding.Seal = SealCoverage.NotSealed then finding.Seal.Name
            else "no line"
        | status -> status.Name

    /// The logical address of an artifact.
    let internal destination (finding: ArtifactFinding) : string option =
        finding.Destination |> Option.map (Shown.short 500)

    /// What is wrong with an artifact; `None` if nothing is, or all of it is accepted.
    [<CompiledName("OfArtifact")>]
    let ofArtifact (finding: ArtifactFinding) : ReportLine option =
        if finding.IsGood then
            None
        else
            let problems = String.concat "; " finding.Problems

            let place =
                match destination finding with
                | Some destination -> $" ({destination})"
                | None -> ""

            Some(line (word finding) $"{Shown.artifact finding.Name}: {problems}{place}")

    let private listed (counts: (int64 * string) list) : string list =
        counts
        |> List.filter (fst >> (<) 0L)
        |> List.map (fun (count, what) -> $"{Amount.number count} {what}")

    /// The number of artifacts of each status.
    [<CompiledName("Artifacts")>]
    let artifacts (result: VerificationResult) : string =
        if result.Count = 0L then
            "none"
        else
            let parts =
                result.Artifacts
                |> List.map (fun (status, count) -> count, status.Name)
                |> listed
                |> String.concat ", "

            $"{Amount.number result.Count}: {parts}"

    /// The number of receipts in files of receipts.
    [<CompiledName("Receipts")>]
    let receipts (result: VerificationResult) : string =
        $"{Amount.number result.Receipts} read, {Amount.number result.Superseded} of them superseded by later ones"

    /// The number of seals of each status.
    [<CompiledName("Seals")>]
    let seals (result: VerificationResult) : string =
        let seals = result.Seals

        let interrupted =
            match listed [ seals.Interrupted, "of interrupted runs" ] with
            | [ text ] -> $" ({text})"
            | _ -> ""

        let bad =
            listed [
                seals.Forged, "forged"
                seals.OutOfOrder, "out of order"
                seals.Truncated, "truncated"
            ]

        String.concat ", " ($"{Amount.number seals.Valid} valid{interrupted}" :: bad)

    /// The number of receipts that valid seals state.
    [<CompiledName("Coverage")>]
    let coverage (result: VerificationResult) : string =
        let all = Amount.number (result.Sealed + result.NotSealed)

        let without =
            match listed [ result.WithoutLine, "have no line in the receipts" ] with
            | [ text ] -> $"; {text}"
            | _ -> ""

        $"{Amount.number result.Sealed} of {all} receipts{without}"

    /// The heads of the files of seals, and those that were noted elsewhere.
    let internal headLines (result: VerificationResult) (heads: struct (string * SealHead option) seq) = [
        for struct (file, head) in heads do
            let head = head |> Option.map string |> Option.defaultValue "none: no line"
            line "head" $"{head} of {file}"

        for anchor in result.Anchors do
            line "given head" $"{anchor.Head}: {anchor.Status.Name}"
    ]

    /// All counts and heads, the heads of the files of seals with their names for display, the ids of the keys whose
    /// signatures count, and what was not checked.
    [<CompiledName("Facts")>]
    let facts
        (result: VerificationResult)
        (heads: struct (string * SealHead option) seq)
        (keyIds: string seq)
        : ReportLine list = [
        line "artifacts" (artifacts result)

        if result.Scope.HasReceipts then
            line "receipts" (receipts result)

        if result.Scope.HasSeals then
            line "seals" (seals result)

            if result.Seals.Failures > 0L then
                let failures = Amount.counted "artifact" result.Seals.Failures
                line "failures" $"{failures} not exported, as the seals state"

            line "sealed" (coverage result)

            yield! headLines result heads

            for keyId in keyIds do
                line "key" keyId

        match result.Names with
        | Some names -> line "files" $"found by {names.Name}"
        | None -> ()

        for limit in VerificationResult.limits result do
            line "note" limit
    ]
