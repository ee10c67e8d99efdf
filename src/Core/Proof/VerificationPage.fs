namespace CellOS.Export.S3.Core

/// What became of a check.
[<RequireQualifiedAccess>]
type PageCheckState =
    /// It was made, and nothing is wrong.
    | Passed
    /// It was made, and something is wrong.
    | Failed
    /// It was not made, since its input was not given.
    | NotChecked

    /// The word on the page.
    member this.Name =
        match this with
        | Passed -> "checked"
        | Failed -> "failed"
        | NotChecked -> "not checked"

/// A check that a verification makes if it has the input.
type PageCheck = {
    /// What became of it.
    State: PageCheckState
    /// What was checked.
    Name: string
    /// What was found, in sentences.
    Text: string
}

/// The number of artifacts of a status.
type PageCount = {
    /// The status.
    Name: string
    /// The number.
    Count: int64
    /// What the status means.
    Meaning: string
    /// True if artifacts of this status are as they should be.
    IsGood: bool
    /// True if something is wrong with artifacts of this status that was not accepted.
    IsBad: bool
}

/// What a page about a verification says. All texts are for display; HTML is not escaped in them.
type VerificationPage = {
    /// The verdict, in one word.
    Tone: PageTone
    /// The verdict in a sentence that needs no knowledge of the tool, without a full stop.
    Headline: string
    /// More about the verdict, a sentence each.
    Details: string list
    /// The verdict, as the report on standard output ends with it.
    Verdict: string
    /// The number of artifacts of each status, the worst first.
    Counts: PageCount list
    /// What was checked, and what was not.
    Checks: PageCheck list
    /// What failed first, in the order in which it was found.
    Failures: ReportLine list
    /// The number of failures that are not in the list.
    MoreFailures: int64
    /// The files of seals and the heads of their chains, and the heads that were noted elsewhere.
    Heads: ReportLine list
    /// The lines of seals that are listed: those that are not valid first.
    Seals: SealRow list
    /// Which seals are not listed; empty if all are.
    SealsNotListed: string
    /// The first and the last moment of the time line; empty without runs.
    Range: string
    /// The time line of the runs.
    Timeline: TimelineRow list
    /// The artifacts that are listed: those that are not as recorded first.
    Artifacts: ArtifactRow list
    /// Which artifacts are not listed; empty if all are.
    ArtifactsNotListed: string
}

/// Decides what a page about a verification says.
///
/// Rules that this module keeps:
/// - what was not given is named as not checked;
/// - what is not listed is named with its number.
[<RequireQualifiedAccess>]
module VerificationPage =

    let private artifacts = Amount.counted "artifact"
    let private count = VerificationResult.count
    let private sentence = VerificationHeadline.sentence
    let private are (count: int64) = if count = 1L then "is" else "are"

    let private meaning (status: ArtifactStatus) =
        match status with
        | ArtifactStatus.Altered -> "The file has another length or SHA-256 than its receipt."
        | ArtifactStatus.Missing -> "There is a receipt, and no file."
        | ArtifactStatus.Unexpected -> "There is a file, and no receipt."
        | ArtifactStatus.NotConfirmed ->
            "The store did not confirm what it stored, or a later upload began whose end is unknown."
        | ArtifactStatus.NotCompared -> "The receipt was compared with no file."
        | ArtifactStatus.Intact ->
            "The file has the length and the SHA-256 of its receipt, which says that the store confirmed what it stored."

    let private counts (result: VerificationResult) = [
        for status, count in result.Artifacts do
            {
                Name = status.Name
                Count = count
                Meaning = meaning status
                IsGood = status = ArtifactStatus.Intact
                IsBad =
                    match status with
                    | ArtifactStatus.Altered
                    | ArtifactStatus.Missing
                    | ArtifactStatus.Unexpected -> count > 0L
                    | ArtifactStatus.NotConfirmed -> count > result.AcceptedUnconfirmed
                    | ArtifactStatus.NotCompared
                    | ArtifactStatus.Intact -> false
            }
    ]

    let private check name isPassed text = {
        State = if isPassed then PageCheckState.Passed else PageCheckState.Failed
        Name = name
        Text = text
    }

    let private notChecked name text = {
        State = PageCheckState.NotChecked
        Name = name
        Text = text
    }

    let private fileCheck (result: VerificationResult) =
        match result.Names with
        | None -> notChecked "Files" VerificationResult.noBundle
        | Some _ when result.Count = 0L -> notChecked "Files" "There is no file and no receipt to compare."
        | Some names ->
            let read = if result.Unreadable > 0L then " that could be read" else ""

            check
                "Files"
                (VerificationHeadline.different result = 0L && result.Unreadable = 0L)
                $"Length and SHA-256 of each file{read} were compared with its receipt. Files were found by {names.Name}."

    let private receiptCheck (result: VerificationResult) =
        if result.Scope.HasReceipts && result.Receipts + result.BadLines = 0L then
            notChecked "Receipts" "The files of receipts are empty."
        elif result.Scope.HasReceipts then
            check "Receipts" (result.BadLines = 0L) (sentence (VerificationWords.receipts result))
        else
            notChecked
                "Receipts"
                "No file of receipts was given: the receipts are those that the seals state."

    let private storeCheck (result: VerificationResult) =
        let name = "Confirmation by the store"
        let accepted = result.AcceptedUnconfirmed
        let all = count ArtifactStatus.NotConfirmed result

        if result.Count = 0L then
            notChecked name "There is no receipt."
        elif all > accepted then
            check name false $"{artifacts (all - accepted)} {are (all - accepted)} not confirmed."
        elif accepted > 0L then
            notChecked name $"{artifacts accepted} {are accepted} not confirmed, which was accepted."
        elif VerificationHeadline.different result > 0L || result.Unreadable > 0L then
            check
                name
                true
                "Each receipt whose file is not altered, missing or unreadable says that the store confirmed it."
        else
            check name true "Each receipt that counts says that the store confirmed it."

    let private sealCheck (result: VerificationResult) =
        if result.Scope.HasSeals && result.Seals.Lines = 0L && result.NotSealed = 0L then
            notChecked "Seals" "The files of seals are empty."
        elif result.Scope.HasSeals then
            let accepted =
                if result.AcceptedUnsealed > 0L then
                    " Receipts without a seal were accepted."
                else
                    ""

            check
                "Seals"
                (result.Seals.Bad = 0L && result.RejectedUnsealed = 0L && result.WithoutLine = 0L)
                $"Seals: {VerificationWords.seals result}. Sealed: {VerificationWords.coverage result}.{accepted}"
        else
            notChecked "Seals" VerificationResult.noSeals

    let private headCheck (result: VerificationResult) =
        match result.Anchors with
        | [] -> notChecked "Head" VerificationResult.noHead
        | anchors ->
            let bad =
                anchors |> List.filter (fun anchor -> anchor.Status <> AnchorStatus.Contained)

            check
                "Head"
                bad.IsEmpty
                (match bad, result.Seals.Bad with
                 | [], 0L when result.IsAnchored ->
                     "The last seal of each file is a given head: no seal before it was removed. Seals that were made after the head was noted, and removed, do not show."
                 | [], 0L ->
                     "The seals contain each given head: none was removed up to it. A file goes on after the heads, and seals that were removed from its end do not show."
                 | [], _ -> "The seals contain each given head."
                 | _ -> "The seals do not contain each given head.")

    let private checks (result: VerificationResult) = [
        fileCheck result
        storeCheck result
        receiptCheck result
        sealCheck result
        headCheck result

        if result.Unreadable > 0L then
            check "Reading" false (sentence (Amount.counted "input" result.Unreadable + " could not be read"))
    ]

    /// Which items are not listed.
    let private notListed (noun: string) (excerpt: Excerpt<'Item>) =
        if excerpt.IsComplete then
            ""
        else
            let all = excerpt.AllBad + excerpt.AllGood
            let counted = Amount.counted noun

            let bad =
                if excerpt.AllBad = 0L then
                    ""
                elif excerpt.BadListed = excerpt.AllBad then
                    $" all {Amount.number excerpt.AllBad} that failed"
                else
                    $" the first {Amount.number excerpt.BadListed} of {Amount.number excerpt.AllBad} that failed"

            let link = if excerpt.AllBad = 0L then " " else ", and "
            let others = if excerpt.AllBad = 0L then "" else " of the others"

            let good =
                if excerpt.AllGood = 0L then ""
                elif excerpt.OneOf = 1L then $"{link}all others"
                else $"{link}one in {Amount.number excerpt.OneOf}{others}"

            $"{Amount.number excerpt.Listed} of {counted all} are listed:{bad}{good}. verify --json lists all."

    /// What the page says, of the whole verification. The heads of the files of seals have their names for display.
    [<CompiledName("Make")>]
    let make
        (scan: VerificationPageScan)
        (result: VerificationResult)
        (heads: struct (string * SealHead option) seq)
        : VerificationPage =
        let rows = Timeline.rows scan.Timeline

        {
            Tone = VerificationHeadline.tone result
            Headline = VerificationHeadline.headline result
            Details = VerificationHeadline.details result
            Verdict = VerificationResult.verdict result
            Counts = counts result
            Checks = checks result
            Failures = List.rev scan.Failures
            MoreFailures = scan.FailureCount - int64 scan.Failures.Length
            Heads = VerificationWords.headLines result heads
            Seals = scan.Seals.Items
            SealsNotListed = notListed "seal" scan.Seals
            Range =
                match Timeline.range scan.Timeline with
                | Some(first, last) -> $"{TimeWords.moment first} to {TimeWords.moment last}"
                | None -> ""
            Timeline = rows
            Artifacts = scan.Artifacts.Items
            ArtifactsNotListed = notListed "artifact" scan.Artifacts
        }
