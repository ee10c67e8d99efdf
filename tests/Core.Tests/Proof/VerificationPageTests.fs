module CellOS.Export.S3.Core.Tests.VerificationPageTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.VerificationLaws
open CellOS.Export.S3.Core.Tests.VerificationModel
open CellOS.Export.S3.Core.Tests.VerificationTests

let private noon = DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)

let private excerpt (most: int) (items: bool list) =
    (Excerpt.start<int> most, List.indexed items)
    ||> List.fold (fun excerpt (index, isGood) -> Excerpt.add isGood (fun () -> index) excerpt)

let private ofKind kind (items: bool list) =
    List.indexed items |> List.filter (snd >> (=) kind) |> List.map fst

let private excerpts =
    testList "an excerpt" [
        property
            "has the first bad items, and good ones in even distances, within the limit"
            (Gen.zip (Gen.choose (2, 7)) (Gen.listOf (Gen.elements [ true; true; true; false ])))
            (fun (most, items) ->
                let found = excerpt most items
                let bad, good = ofKind false items, ofKind true items
                let stride = int found.OneOf
                let listed = found.Items |> List.filter (fun index -> items[index])

                Expect.equal
                    (found.Items |> List.filter (fun index -> not items[index]))
                    (List.truncate most bad)
                    "bad"

                Expect.equal
                    listed
                    (good
                     |> List.indexed
                     |> List.filter (fun (at, _) -> at % stride = 0)
                     |> List.map snd)
                    "good"

                Expect.isLessThanOrEqual listed.Length most "the limit"
                Expect.isTrue (stride = 1 || listed.Length > most / 2) "and as many as there may be"

                Expect.equal
                    (found.AllBad, found.AllGood)
                    (int64 bad.Length, int64 good.Length)
                    "all of them"

                Expect.equal found.Listed (int64 found.Items.Length) "the number"
                Expect.equal found.IsComplete (found.Items.Length = items.Length) "whether it has all")

        test "makes few of a million items" {
            let mutable made = 0

            let make () =
                made <- made + 1
                made

            let found =
                (Excerpt.start 100, seq { 1..1_000_000 })
                ||> Seq.fold (fun excerpt _ -> Excerpt.add true make excerpt)

            Expect.isLessThan made 2_000 "those that are listed when they come"
            Expect.isTrue (found.Items.Length > 50 && found.Items.Length <= 100) "the limit"
            Expect.equal found.OneOf 16384L "the distance"
        }
    ]

let private run (at: DateTimeOffset) (length: TimeSpan) isInterrupted isValid : TimelineRun = {
    Name = "cell-7 to t"
    StartedAt = at
    FinishedAt = at + length
    Stored = 3L
    Failed = 1L
    IsInterrupted = isInterrupted
    IsValid = isValid
}

let private moments =
    gen {
        let! spread =
            Gen.elements [ 3600.; 86400.; 86400. * 30.; 86400. * 365.; 86400. * 365. * 900. ]

        let! seconds = Gen.choose (0, 1_000_000)
        return noon.AddSeconds(spread * float seconds / 1_000_000. * 8.)
    }

let private runs =
    gen {
        let! count = Gen.elements [ 0; 1; 2; 40; 41; 200 ]

        return!
            Gen.listOfLength
                count
                (gen {
                    let! at = moments
                    let! minutes = Gen.choose (-5, 100)
                    let! isInterrupted = Gen.elements [ true; false ]
                    let! isValid = Gen.elements [ true; false ]
                    return run at (TimeSpan.FromMinutes(float minutes)) isInterrupted isValid
                })
    }

let private timelineOf (runs: TimelineRun list) =
    (Timeline.start, runs)
    ||> List.fold (fun timeline run -> Timeline.add run timeline)

let private timelines =
    testList "a time line" [
        property "has few rows, in the order of time, whatever the order of runs" runs (fun runs ->
            let rows = Timeline.rows (timelineOf runs)
            Expect.isLessThanOrEqual rows.Length Timeline.MostRows "the limit"
            Expect.equal rows.IsEmpty runs.IsEmpty "some rows for some runs"
            let places = rows |> List.map (fun row -> row.From)
            Expect.equal (List.sort places) places "in order"

            for row in rows do
                Expect.isTrue (0. <= row.From && row.From <= row.Until && row.Until <= 1.) "within the line"

            if not rows.IsEmpty then
                Expect.equal rows.Head.From 0. "the first one begins where the line does"

            Expect.equal (rows |> List.forall _.IsValid) (runs |> List.forall _.IsValid) "each seal counts"

            Expect.equal
                (rows |> List.exists _.IsInterrupted)
                (runs |> List.exists _.IsInterrupted)
                "each interruption counts"

            Expect.equal
                (Timeline.rows (timelineOf (List.rev runs))
                 |> List.map (fun row -> row.When, row.From)
                 |> List.sort)
                (rows |> List.map (fun row -> row.When, row.From) |> List.sort)
                "in any order of runs")

        test "has a row for each run, or for each period" {
            let at hours =
                run (noon.AddHours hours) (TimeSpan.FromMinutes 30.) false true

            let of' (runs: TimelineRun list) =
                Timeline.rows (timelineOf runs)
                |> List.map (fun row -> row.When, row.What, row.Counts)

            Expect.equal
                (of' [ at 1.; at 0. ])
                [
                    "2026-05-01 12:00:00Z", "cell-7 to t", "3 stored, 1 failed"
                    "2026-05-01 13:00:00Z", "cell-7 to t", "3 stored, 1 failed"
                ]
                "runs"

            let every hours count = [ for i in 0 .. count - 1 -> at (float i * hours) ]

            Expect.equal
                (of' (every 0.5 50) |> List.take 2)
                [
                    "2026-05-01 12:00Z", "2 runs", "6 stored, 2 failed"
                    "2026-05-01 13:00Z", "2 runs", "6 stored, 2 failed"
                ]
                "hours"

            Expect.equal
                (of' (every 8. 100) |> List.item 1)
                ("2026-05-02", "3 runs", "9 stored, 3 failed")
                "days"

            Expect.equal
                (of' (every 24. 100) |> List.item 1)
                ("2026-06", "30 runs", "90 stored, 30 failed")
                "months"

            Expect.equal (of' (every 720. 100) |> List.item 1 |> (fun (at, _, _) -> at)) "2027" "years"

            Expect.equal
                (of' (every 8760. 100) |> List.item 1 |> (fun (at, _, _) -> at))
                "2100 and later"
                "centuries"
        }

        test "takes the first and the last moment that there are" {
            let rows =
                Timeline.rows (
                    timelineOf [
                        for _ in 1..50 do
                            run DateTimeOffset.MinValue TimeSpan.Zero false true
                            run DateTimeOffset.MaxValue TimeSpan.Zero false true
                    ]
                )

            Expect.equal (List.map _.Until rows) [ 0.; 1. ] "two moments"
        }
    ]

/// Evidence that somebody may have changed, of which an auditor may not have all.
let private evidence =
    gen {
        let! tampering = tamperings
        let! isOriginal = Gen.elements [ true; false ]
        let given = if isOriginal then tampering.Scene.Evidence else tampering.Evidence
        let! hasBundle, hasSeals, hasHead = Gen.three (Gen.elements [ true; true; false ])
        let! acceptUnsealed, acceptUnverified = Gen.two (Gen.elements [ true; false ])

        return {
            given with
                Bundle = if hasBundle then given.Bundle else None
                Seals = if hasSeals then given.Seals else []
                Heads = if hasSeals && hasHead then given.Heads else []
                AcceptUnsealed = hasSeals && acceptUnsealed
                AcceptUnverified = acceptUnverified
        }
    }

/// The page about what an auditor has.
let private pageOf (given: Evidence) =
    let report = verify given

    let scan =
        (VerificationPageScan.start, report.Seals)
        ||> List.fold (fun scan seal -> VerificationPageScan.addSeal "seals" seal scan)

    let scan =
        (scan, report.Lines)
        ||> List.fold (fun scan problem -> VerificationPageScan.addLine "receipts" 1L problem scan)

    let scan =
        (scan, report.Findings)
        ||> List.fold (fun scan finding -> VerificationPageScan.addArtifact finding scan)

    report, VerificationPage.make scan report.Result []

let private pages =
    testList "a page" [
        property "claims no more than was verified, and lists what failed" evidence (fun given ->
            let report, page = pageOf given
            let result = report.Result
            let isVerified = page.Tone = PageTone.Verified

            Expect.equal (isVerified || page.Tone = PageTone.VerifiedInPart) result.IsGood "verified"

            if isVerified then
                Expect.isTrue (result.Scope.HasSeals && result.Scope.HasBundle) "all of it"
                Expect.isTrue result.IsAnchored "up to the newest head"
                Expect.isFalse (page.Details |> List.exists _.StartsWith("Accepted")) "nothing was accepted"

            Expect.equal (page.Tone = PageTone.Failed) result.HasFailed "failed"
            let claims = page.Headline.StartsWith "All" || page.Headline.StartsWith "The only"
            Expect.isTrue (not claims || result.IsGood) page.Headline

            if page.Headline.EndsWith "are what was exported" && page.Headline.StartsWith "All" then
                Expect.isTrue
                    (result.Scope.HasSeals && result.Scope.HasBundle)
                    "of sealed and compared files"

            Expect.equal page.Verdict (VerificationResult.verdict result) "the exact verdict"

            let failed =
                (report.Findings |> List.filter (_.IsGood >> not) |> List.length)
                + report.Lines.Length
                + int result.Seals.Bad

            Expect.equal (int64 page.Failures.Length + page.MoreFailures) (int64 failed) "all that failed"
            Expect.equal page.Artifacts.Length (min report.Findings.Length 5000) "each artifact"

            let notChecked name =
                page.Checks
                |> List.exists (fun check -> check.Name = name && check.State = PageCheckState.NotChecked)

            Expect.isTrue (result.Scope.HasBundle || notChecked "Files") "no file was compared"
            Expect.isTrue (result.Scope.HasSeals || notChecked "Seals") "no seal was checked"
            Expect.isTrue (not result.Anchors.IsEmpty || notChecked "Head") "no head was given"

            if result.IsGood then
                for check in page.Checks do
                    Expect.notEqual check.State PageCheckState.Failed check.Name)

        testCase "counts what was accepted apart from what failed" (fun () ->
            let unverified = {
                receiptOf "c" "a" "content of a"B 1 with
                    Integrity = "unverified"
            }

            let unknown = {
                receiptOf "c" "b" "content of b"B 2 with
                    Integrity = "later-word"
            }

            let of' receipts files = {
                none with
                    Receipts = [ log receipts ]
                    Bundle = files
                    AcceptUnverified = true
            }

            let store (page: VerificationPage) =
                page.Checks
                |> List.find (fun check -> check.Name = "Confirmation by the store")
                |> fun check -> check.State, check.Text

            let bad (page: VerificationPage) =
                page.Counts
                |> List.filter _.IsBad
                |> List.map (fun count -> count.Name, count.Count)

            let _, page = pageOf (of' [ unverified; unknown ] None)
            Expect.equal (store page) (PageCheckState.Failed, "1 artifact is not confirmed.") "one failed"
            Expect.equal (bad page) [ "not confirmed", 2L ] "among them"
            Expect.contains page.Details "Accepted: 1 not confirmed by the store." "and one was accepted"

            let _, page =
                pageOf (
                    of'
                        [ unverified; receiptOf "c" "b" "content of b"B 2 ]
                        (Some(Map [ "a", "content of a"B; "b", "x"B ]))
                )

            Expect.equal
                (store page)
                (PageCheckState.NotChecked, "1 artifact is not confirmed, which was accepted.")
                "beside an altered file"

            Expect.equal (bad page) [ "altered", 1L ] "which alone failed"

            let _, page = pageOf (of' [ unverified ] None)

            Expect.equal
                (page.Tone, page.Headline)
                (PageTone.VerifiedInPart,
                 "No check failed, but something was accepted, and no file was compared")
                "no file was compared")

        test "names the artifacts that it does not list" {
            let receipts = [ for i in 1..12_000 -> receiptOf "c" $"f{i}" [| 1uy |] 1 ]

            let given = {
                none with
                    Receipts = [ log receipts ]
            }

            let _, page = pageOf given
            Expect.hasLength page.Artifacts 3_000 "some of them"

            Expect.equal
                page.ArtifactsNotListed
                "3,000 of 12,000 artifacts are listed: one in 4. verify --json lists all."
                "which is said"
        }
    ]

[<Tests>]
let tests = testList "the page of a verification" [ excerpts; timelines; pages ]
