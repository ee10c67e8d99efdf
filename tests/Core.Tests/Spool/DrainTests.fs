/// What a drain does with what it finds in a spool.
module CellOS.Export.S3.Core.Tests.DrainTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpoolNoteTests

let private refused: Refusal = {
    Subject = "s"
    Problem = "p"
    Remedy = "r"
}

let private receiptOf (note: SpoolNote) : Receipt = {
    TargetKind = note.TargetKind.Name
    TargetName = note.TargetName |> Option.map TargetName.value
    Destination = "s3://b/k"
    BytesWritten = note.Bytes
    CellId = CellId.value note.CellId
    ArtifactName = ArtifactName.value note.ArtifactName
    Region = None
    ObjectUrl = None
    Sha256 = note.Sha256
    Md5 = None
    Checksums = Map.empty
    ETag = None
    VersionId = None
    RequestId = None
    HostId = None
    DestinationChecked = true
    Integrity = "etag-md5"
    Attempts = 1
    StartedAt = note.SpooledAt
    CompletedAt = note.SpooledAt
}

let private foundOf (note: SpoolNote) : SpoolFound = {
    Entry = SpoolEntry.ofNote note
    Note = Some(Ok note)
    Content = SpoolContent.File note.Bytes
    Receipt = None
}

let private scopeOf (note: SpoolNote) : DrainScope = {
    Sinks = [
        {
            Name = note.TargetName
            Kind = note.TargetKind
        }
    ]
    Only = None
    Cell = None
}

/// What may be found, whole and damaged, and what may be asked for.
let private situations =
    gen {
        let! note = notes
        let! other = notes

        let! entry =
            Gen.frequency [
                4, Gen.constant (SpoolEntry.ofNote note)
                1, Gen.constant (SpoolEntry.ofNote other)
            ]

        let! noted =
            Gen.frequency [
                6, Gen.constant (Some(Ok note))
                1, Gen.constant None
                1, Gen.constant (Some(Error refused))
            ]

        let! content =
            Gen.frequency [
                4, Gen.constant (SpoolContent.File note.Bytes)
                1, Gen.elements [ SpoolContent.Missing; SpoolContent.NotAFile; SpoolContent.File 7L ]
            ]

        let! receipt =
            Gen.frequency [
                3, Gen.constant None
                1, Gen.constant (Some(Ok(receiptOf note)))
                1, Gen.constant (Some(Ok(receiptOf other)))
                1, Gen.constant (Some(Error refused))
            ]

        let! sinks = Gen.subListOf [ note; other ]
        let! only = Gen.elements [ None; None; Some note; Some other ]
        let! cell = Gen.elements [ None; None; Some note.CellId; Some other.CellId ]

        return
            {
                Sinks = [
                    for sink in sinks ->
                        {
                            Name = sink.TargetName
                            Kind = sink.TargetKind
                        }
                ]
                Only =
                    only
                    |> Option.map (fun only -> {
                        Name = only.TargetName
                        Kind = Some only.TargetKind
                    })
                Cell = cell
            },
            {
                Entry = entry
                Note = noted
                Content = content
                Receipt = receipt
            }
    }

[<Tests>]
let tests =
    testList "drain" [
        propertyTimes
            1000
            "nothing is removed without a receipt of its artifact, except what was never reported"
            situations
            (fun (scope, found) ->
                match Drain.decide scope found, found.Note with
                | DrainStep.Clean, note -> Expect.isNone note "no note: nothing was reported of it"
                | DrainStep.Finish(note, receipt), _ ->
                    Expect.equal found.Receipt (Some(Ok receipt)) "the receipt that is there"

                    Expect.equal
                        receipt.ArtifactName
                        (ArtifactName.value note.ArtifactName)
                        "of this artifact"

                    Expect.equal receipt.CellId (CellId.value note.CellId) "of this cell"

                    Expect.equal
                        receipt.TargetName
                        (note.TargetName |> Option.map TargetName.value)
                        "of this target"

                    Expect.exists
                        scope.Sinks
                        (fun sink -> sink.Name = note.TargetName && sink.Kind = note.TargetKind)
                        "a target that the drain knows"
                | DrainStep.Export note, noted ->
                    Expect.equal noted (Some(Ok note)) "the note that is there"
                    Expect.equal found.Entry (SpoolEntry.ofNote note) "under its name"
                    Expect.equal found.Content (SpoolContent.File note.Bytes) "the copy that was spooled"
                    Expect.isNone found.Receipt "it is not exported yet"

                    Expect.exists
                        scope.Sinks
                        (fun sink -> sink.Name = note.TargetName && sink.Kind = note.TargetKind)
                        "a sink"
                | DrainStep.Leave, Some(Ok note) ->
                    Expect.isTrue
                        (scope.Only.IsSome || scope.Cell |> Option.exists ((<>) note.CellId))
                        "others were asked for"
                | DrainStep.Leave, _ -> failtest "it is not known whose it is"
                | DrainStep.Refuse refusal, _ -> Expect.isNotEmpty refusal.Message "a reason")

        propertyTimes 300 "what is whole and asked for is exported" notes (fun note ->
            let found = foundOf note
            Expect.equal (Drain.decide (scopeOf note) found) (DrainStep.Export note) "all"

            let own = {
                scopeOf note with
                    Cell = Some note.CellId
                    Only = Some { Name = note.TargetName; Kind = None }
            }

            Expect.equal (Drain.decide own found) (DrainStep.Export note) "its own"

            Expect.equal
                (Drain.decide (scopeOf note) {
                    found with
                        Receipt = Some(Ok(receiptOf note))
                })
                (DrainStep.Finish(note, receiptOf note))
                "a push has exported it since"

            let newer = {
                receiptOf note with
                    Sha256 = String('0', 64)
            }

            Expect.equal
                (Drain.decide (scopeOf note) { found with Receipt = Some(Ok newer) })
                (DrainStep.Finish(note, newer))
                "a push has exported newer content since")

        propertyTimes 200 "a receipt removes only what it is of" (Gen.zip notes notes) (fun (note, other) ->
            Expect.isNone (Drain.onReceipt note (receiptOf note)) "its own"

            Expect.isNone
                (Drain.onReceipt note {
                    receiptOf note with
                        Sha256 = note.Sha256.ToUpperInvariant()
                })
                "in any case"

            if SpoolEntry.ofNote note <> SpoolEntry.ofNote other then
                Expect.isSome (Drain.onReceipt note (receiptOf other)) "of another artifact"

            for receipt in
                [
                    {
                        receiptOf note with
                            Sha256 = String('z', 64)
                    }
                    {
                        receiptOf note with
                            BytesWritten = note.Bytes - 1L
                    }
                    {
                        receiptOf note with
                            CellId = "another" + CellId.value note.CellId
                    }
                    {
                        receiptOf note with
                            TargetName = Some "another!"
                    }
                ] do
                Expect.isSome (Drain.onReceipt note receipt) "of other content, another cell or target"

            Expect.isNone (Drain.onDigest note note.Sha256) "the copy"
            Expect.isSome (Drain.onDigest note "") "no copy"
            Expect.isSome (Drain.onDigest note (String('z', 64))) "another copy")

        propertyTimes
            200
            "a later export's receipt is for the same artifact, and not from a misleading command"
            notes
            (fun note ->
                for isChecked, asksCommand in [ true, true; true, false; false, false; false, true ] do
                    let later = {
                        receiptOf note with
                            DestinationChecked = isChecked
                            Sha256 = String('0', 64)
                    }

                    Expect.equal
                        (Drain.onLater note asksCommand later).IsNone
                        (isChecked || not asksCommand)
                        "a command may take its receipt back"

                    for other in
                        [
                            {
                                later with
                                    TargetName = Some "another!"
                            }
                            {
                                later with
                                    CellId = "another" + later.CellId
                            }
                            {
                                later with
                                    ArtifactName = "another" + later.ArtifactName
                            }
                        ] do
                        let refusal = Expect.wantSome (Drain.onLater note false other) "of another artifact"
                        Expect.isLessThan (refusal.Message.Split(' ').Length) 46 refusal.Message)
    ]
