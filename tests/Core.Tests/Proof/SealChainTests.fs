module CellOS.Export.S3.Core.Tests.SealChainTests

open System
open System.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open SealChecks
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SealStatementTests
open CellOS.Export.S3.Core.Tests.SealTamperings
open CellOS.Export.S3.Core.Tests.TextGenerators

let private headOf (lines: byte[] list) : SealHead = {
    Count = int64 lines.Length
    Sha256 = sha256 (List.last lines)
}

let private statuses (lines: byte[] list) =
    check keys (bytesOf lines) |> fst |> List.map _.Status.Name

/// Three lines of one key.
let private three =
    ([], [ 1..3 ])
    ||> List.fold (fun lines _ -> lines @ [ next ours lines statement ])

let private one, two, last = three[0], three[1], three[2]

let private isValid (line: CheckedSeal) = line.Status = SealStatus.Valid

/// True if a file is the beginning of another one, up to a line end: what no chain shows without an anchor.
let private isTailRemoved (tampering: Tampering) =
    tampering.Lines
    |> List.mapi (fun kept _ -> bytesOf (List.truncate kept tampering.Lines))
    |> List.contains tampering.File

/// True if nothing was changed: two lines that are swapped may be one, a byte may be set to what it was.
let private isSame (tampering: Tampering) =
    tampering.File = bytesOf tampering.Lines

[<Tests>]
let tests =
    testList "SealChain" [
        propertyTimes 50 "each line of a chain is valid, and states what was sealed" (chain 4) (fun lines ->
            let found, scan = check keys (bytesOf lines)
            Expect.all found isValid "valid"
            Expect.equal (found |> List.map _.Number) [ 1L .. 4L ] "numbers"
            Expect.all found _.Statement.IsSome "statements"
            Expect.equal (SealChain.head scan) (Some(headOf lines)) "the head"
            Expect.equal (anchor (headOf lines) (bytesOf lines)) AnchorStatus.Contained "the anchor")

        propertyTimes
            10_000
            "any tampering is detected with an anchor; without one, all but lines that are missing at the end"
            tamperings
            (fun tampering ->
                let found, _ = check keys tampering.File
                let anchored = anchor (headOf tampering.Lines) tampering.File

                let isDetected = not (List.forall isValid found)

                if isSame tampering then
                    Expect.isFalse isDetected "nothing was done"
                    Expect.equal anchored AnchorStatus.Contained "nor is anything missing"
                elif isTailRemoved tampering then
                    Expect.isFalse isDetected $"{tampering.What}: the documented gap"
                    Expect.equal anchored AnchorStatus.Removed "which the anchor closes"
                else
                    Expect.isTrue isDetected tampering.What)

        propertyTimes
            300
            "another chain of the same key contradicts the anchor"
            (Gen.elements chains)
            (fun lines ->
                let other = next ours [] { statement with RunId = "other" }
                let found, _ = check keys (bytesOf [ other ])
                Expect.all found isValid "a chain of its own"

                Expect.equal
                    (anchor (headOf lines) (bytesOf [ other ]))
                    (if lines.Length = 1 then AnchorStatus.Replaced else AnchorStatus.Removed)
                    "which is not the anchored one")

        testCase "an anchor in the middle of a chain is contained" (fun () ->
            Expect.equal
                (anchor (headOf [ one; two ]) (bytesOf three))
                AnchorStatus.Contained
                "the second line")

        testCase "an anchor is looked for in each of several chains" (fun () ->
            let heads (lines: byte[] list) = [
                for count in 1 .. lines.Length -> headOf (List.truncate count lines)
            ]

            let other = next ours [] { statement with RunId = "other" }
            let noted = [ headOf [ one; two ]; headOf [ other ]; headOf three ]

            let found chains =
                (SealAnchors.start noted, List.collect heads chains)
                ||> List.fold SealAnchors.step
                |> List.map _.Status

            let contained, removed, replaced =
                AnchorStatus.Contained, AnchorStatus.Removed, AnchorStatus.Replaced

            Expect.equal (found [ three; [ other ] ]) [ contained; contained; contained ] "both"
            Expect.equal (found [ [ other ]; three ]) [ contained; contained; contained ] "in any order"
            Expect.equal (found [ three ]) [ contained; replaced; contained ] "one"
            Expect.equal (found [ [ other ] ]) [ removed; contained; removed ] "the other"
            Expect.equal (found []) [ removed; removed; removed ] "none")

        table
            "names what is wrong with each line"
            [
                [], []
                [ one; two; last ], [ "valid"; "valid"; "valid" ]
                [ one; last ], [ "valid"; "out of order" ]
                [ two; last ], [ "out of order"; "valid" ]
                [ one; one; two ], [ "valid"; "out of order"; "valid" ]
                [ one; last; two ], [ "valid"; "out of order"; "out of order" ]
                [ one; [||]; two ], [ "valid"; "forged"; "out of order" ]
                [ [||] ], [ "forged" ]
                [ one; "{}"B; two ], [ "valid"; "forged"; "out of order" ]
                [ one; next theirs [ one ] statement ], [ "valid"; "forged" ]
            ]
            (fst >> statuses)
            snd

        testCase "a line with the right hash and another number is out of order" (fun () ->
            let line =
                payload {
                    statement with
                        Sequence = 3L
                        Previous = Some(sha256 one)
                }
                |> ours.Seal
                |> Seal.line

            let found, _ = check keys (bytesOf [ one; line ])

            Expect.equal
                (found[1].Status)
                (SealStatus.OutOfOrder "has the number 3 after the number 1")
                "the number")

        testCase "a signed payload that is not a statement of a run is forged" (fun () ->
            let line = Seal.line (ours.Seal "{}"B)
            let found, _ = check keys (bytesOf [ line ])
            Expect.equal (found[0].Status.Name) "forged" "not a statement"
            Expect.isNone found[0].Statement "nothing is stated")

        testCase "a key that is not among those given is forged; without a list the caller decides" (fun () ->
            let trusting ids answer = {
                Ids = ids
                IsSigned = Func<_, _, _, _>(fun _ _ _ -> answer)
            }

            let status keys =
                check keys (bytesOf three) |> fst |> List.map isValid |> List.distinct

            Expect.equal (status (trusting None true)) [ true ] "any key"
            Expect.equal (status (trusting None false)) [ false ] "no key"
            Expect.equal (status (trusting (Some(Set.ofList [ theirs.Id ])) true)) [ false ] "others")

        propertyTimes 300 "is total on any bytes" anyText (fun text ->
            let found, scan = check keys (Encoding.UTF8.GetBytes text)
            Expect.isFalse (List.exists isValid found) "no seal"
            Expect.isLessThanOrEqual (SealChain.count scan) (int64 found.Length) "the lines")

        propertyTimes
            1000
            "what is torn off a line is cut; a whole line is completed"
            (gen {
                let! lines = Gen.elements chains
                let line = List.last lines
                let! length = Gen.choose (0, line.Length)
                let! nuls = Gen.elements [ 0; 0; 1; 512 ]
                return lines, Array.append (Array.truncate length line) (Array.zeroCreate nuls), length
            })
            (fun (lines, rest, length) ->
                let before = List.truncate (lines.Length - 1) lines
                let _, scan = check keys (bytesOf before)

                match SealChain.tail keys scan (ReadOnlyMemory rest) with
                | SealTail.Whole -> Expect.equal rest.Length 0 "nothing"
                | SealTail.Torn ->
                    Expect.isLessThan length (List.last lines).Length "a part"
                    Expect.isTrue (length > 0 || scan |> SealChain.count > 0L) "NULs after a line"
                | SealTail.Complete(complete, kept) ->
                    Expect.equal kept (List.last lines).Length "all of it"
                    Expect.equal (SealChain.head complete) (Some(headOf lines)) "the head"
                | SealTail.Foreign refusal -> Expect.equal (length, before) (0, []) refusal.Message)

        table
            "a file that ends in something else is left alone"
            [
                [], "\000\000"B
                [], "evidence"B
                [ one ], "{\"payload\":\"e30=\",\"payloadTypo"B
                [ one ], "{\"payload\":\"e3*"B
                [ one ], Array.append "\000"B two
                [ one ], Array.append two "x"B
                // A whole line that does not belong there.
                [ one ], last
                [ one ], next theirs [ one ] statement
            ]
            (fun (lines, rest) ->
                let _, scan = check keys (bytesOf lines)
                (SealChain.tail keys scan (ReadOnlyMemory rest)).IsForeign)
            (fun _ -> true)

        propertyTimes
            1000
            "any beginning of a line is one, and no other bytes are"
            (Gen.zip (Gen.elements chains |> Gen.map List.last) (Gen.choose (0, 100_000)))
            (fun (line, at) ->
                let at = at % line.Length
                Expect.isTrue (Seal.mayBegin (ReadOnlyMemory(line, 0, at))) "a beginning"
                let other = Array.updateAt at (byte '*') line
                Expect.isFalse (Seal.mayBegin (ReadOnlyMemory(other, 0, at + 1))) "another byte")

        testCase "a head is written and read" (fun () ->
            let head = headOf three
            Expect.equal (string head) $"3:{sha256 last}" "the text"
            Expect.equal (SealHead.parse (string head)) (Ok head) "read back"
            Expect.equal (SealHead.parse ((string head).ToUpperInvariant() + " ")) (Ok head) "any case"

            for text in
                [
                    ""
                    "3"
                    $"0:{head.Sha256}"
                    $"-1:{head.Sha256}"
                    "3:abc"
                    $"x:{head.Sha256}"
                    $"3:{head.Sha256}:"
                ] do
                Expect.isError (SealHead.parse text) text)
    ]
