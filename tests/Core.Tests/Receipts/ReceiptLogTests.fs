module CellOS.Export.S3.Core.Tests.ReceiptLogTests

open System
open System.Text
open System.Text.Json
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

let private receipt (name: string) = {
    TargetKind = "s3"
    TargetName = None
    Destination = $"s3://b/c/{name}"
    BytesWritten = 3L
    CellId = "c"
    ArtifactName = name
    Region = None
    ObjectUrl = None
    Sha256 = String('a', 64)
    Md5 = None
    Checksums = Map.empty
    ETag = None
    VersionId = None
    RequestId = None
    HostId = None
    DestinationChecked = true
    Integrity = "etag-md5"
    Attempts = 1
    StartedAt = DateTimeOffset.UnixEpoch
    CompletedAt = DateTimeOffset.UnixEpoch
}

/// The receipt of an upload that ended this number of seconds later.
let private at (seconds: int) (receipt: Receipt) = {
    receipt with
        CompletedAt = receipt.CompletedAt.AddSeconds(float seconds)
}

let private urlOf (url: string) =
    match RequestUrl.parse url with
    | Ok url -> url
    | Error refusal -> failtestf "%O" refusal

let private json name = Receipt.toJson (receipt name)
let private utf8 (text: string) = Encoding.UTF8.GetBytes text

/// All lines and the tail of a file that comes in such pieces.
let private scanPieces (pieces: byte[] list) =
    let folder (scan, lines) (piece: byte[]) =
        let struct (scan, more) = ReceiptLog.step scan (ReadOnlyMemory piece)
        scan, lines @ more

    let scan, lines = List.fold folder (ReceiptLog.start, []) pieces
    lines, ReceiptLog.finish scan

let private scan (file: byte[]) = scanPieces [ file ]

let private shown (lines: LoggedLine list) =
    lines
    |> List.map (fun line ->
        match line.Line with
        | LogLine.Receipt receipt -> line.Number, receipt.ArtifactName
        | LogLine.Upload mark -> line.Number, $"upload of {mark.ArtifactName}"
        | LogLine.Damaged _ -> line.Number, "damaged"
        | LogLine.NoReceipt _ -> line.Number, "?")

/// What stands at the end: its kind, and the length that the file is cut to.
let private tailOfBytes (file: byte[]) =
    match snd (scan file) with
    | LogTail.Whole -> "whole", 0L
    | LogTail.Mend(lines, length) ->
        let word (line: LogLine) =
            match line with
            | LogLine.Receipt receipt -> receipt.ArtifactName
            | LogLine.Upload mark -> $"the upload of {mark.ArtifactName}"
            | LogLine.Damaged _ -> "damaged"
            | LogLine.NoReceipt _ -> "?"

        "mend " + String.concat " " (List.map word lines), length
    | LogTail.Cut(length, _) -> "cut", length
    | LogTail.Foreign _ -> "foreign", 0L

let private tailOf (file: string) = tailOfBytes (utf8 file)

let private length (text: string) = int64 (utf8 text).Length

/// Lines of a file: receipts, damaged receipts, blanks, anything; each with one of the line ends.
let private linesOf weight =
    gen {
        let! names = Gen.listOf segment

        let! lines =
            names
            |> List.map (fun name ->
                gen {
                    let line = json name
                    let! cut = Gen.choose (0, line.Length)
                    let! other = anyText

                    return!
                        Gen.frequency [
                            weight, Gen.constant line
                            1, Gen.constant (line.Substring(0, cut))
                            1, Gen.constant other
                            1, Gen.elements [ ""; " "; "\t"; "\000\000" ]
                        ]
                })
            |> Gen.sequenceToList

        let! ends =
            lines
            |> List.map (fun _ -> Gen.frequency [ 5, Gen.constant "\n"; 1, Gen.constant "\r\n" ])
            |> Gen.sequenceToList

        return List.map2 (+) lines ends |> String.concat ""
    }

/// What a crash, a full disk or another program may have left after the last line end.
let private endings =
    gen {
        let! line = Gen.map json segment
        let! cut = Gen.choose (1, line.Length - 1)
        let! other = anyText
        let! nuls = Gen.elements [ ""; "\000"; "\000\000\000" ]

        return!
            Gen.frequency [
                2, Gen.constant ""
                2, Gen.constant (line + nuls)
                1, Gen.constant (line + "\r" + nuls)
                2, Gen.constant (line.Substring(0, cut) + nuls)
                1, Gen.constant ("\000" + nuls)
                2, Gen.constant (other.Replace("\n", ""))
            ]
    }

/// One byte in the file becomes one that UTF-8 does not have.
let private damaged (file: byte[]) =
    gen {
        let! at = Gen.choose (0, max 0 (file.Length - 1))

        return file |> Array.mapi (fun index byte -> if index = at then 0xffuy else byte)
    }

/// Files with any ending, files that are torn anywhere, and files with a damaged byte.
let private files =
    gen {
        let! lines = Gen.frequency [ 5, linesOf 6; 1, linesOf 0 ]
        let! ending = endings
        let whole = utf8 (lines + ending)
        let! torn = Gen.choose (0, whole.Length)

        return!
            Gen.frequency [
                4, Gen.constant whole
                1, Gen.constant (Array.take torn whole)
                1, damaged whole
            ]
    }

let private inPieces (file: byte[]) =
    gen {
        let! cuts = Gen.listOf (Gen.choose (0, file.Length))
        let cuts = [ 0 ] @ List.sort cuts @ [ file.Length ]
        return file, cuts |> List.pairwise |> List.map (fun (a, b) -> file[a .. b - 1])
    }

/// The file as the repair leaves it.
let private repaired (file: byte[]) =
    match snd (scan file) with
    | LogTail.Whole -> Some file
    | LogTail.Mend(_, length) -> Some(Array.append (Array.take (int length) file) "\n"B)
    | LogTail.Cut(length, _) -> Some(Array.take (int length) file)
    | LogTail.Foreign _ -> None

/// A property whose generated values meet each of these classes in at least 5 % of the runs.
let private covering times name (classes: string list) (classOf: 'a -> string) values holds =
    testCase name (fun () ->
        let met = ResizeArray<string>()

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest times,
            Prop.forAll (Arb.fromGen values) (fun value ->
                met.Add(classOf value)
                holds value)
        )

        for one in classes do
            let share = met |> Seq.filter ((=) one) |> Seq.length

            Expect.isTrue (share * 20 >= met.Count) $"{one}: {share} of {met.Count} runs")

[<Tests>]
let tests =
    testList "ReceiptLog" [
        testCase "an empty file is whole" (fun () ->
            Expect.equal (scan [||]) ([], LogTail.Whole) "nothing in it"
            Expect.equal (scanPieces []) ([], LogTail.Whole) "no piece of it")

        testCase "lines have numbers, blank ones too" (fun () ->
            let a, b, c = json "a", json "b", json "c"
            let file = $"{a}\n\n{b}\r\n \t\r\nnot one\n{c}\n"
            let lines, tail = scan (utf8 file)
            Expect.equal (shown lines) [ 1L, "a"; 3L, "b"; 5L, "?"; 6L, "c" ] "all but the blank ones"
            Expect.equal tail LogTail.Whole "with its end")

        table
            "a torn last line is mended, cut off, or shows that the file is not ours"
            [
                "", ("whole", 0L)
                "\n", ("whole", 0L)
                json "a", ("mend a", length (json "a"))
                json "a" + "\r", ("mend a", length (json "a") + 1L)
                json "a" + "\000\000", ("mend a", length (json "a"))
                json "a" + "\n" + json "b", ("mend b", length (json "a") + 1L + length (json "b"))
                json "a" + "\n" + (json "b").Substring(0, 40), ("cut", length (json "a") + 1L)
                json "a" + "\n{", ("cut", length (json "a") + 1L)
                json "a" + "\n\000\000\000", ("cut", length (json "a") + 1L)
                json "a" + "\n{\"targetKind\000\000", ("cut", length (json "a") + 1L)
                "{", ("cut", 0L)
                "\000", ("foreign", 0L)
                "export:", ("foreign", 0L)
                " ", ("foreign", 0L)
                "[1]", ("foreign", 0L)
                """{"urls":{}}""", ("foreign", 0L)
                """{"targetKind":3}""", ("foreign", 0L)
                "\000{", ("foreign", 0L)
                json "a" + "\n# a note", ("foreign", 0L)
                json "a" + json "b", ("mend a b", length (json "a" + json "b"))
                json "a" + ", " + json "b" + ",", ("mend a b", length (json "a" + ", " + json "b" + ","))
                json "a" + ",", ("mend a", length (json "a") + 1L)
                json "a" + json "b" + (json "c").Substring(0, 40),
                ("mend a b damaged", length (json "a" + json "b") + 40L)
                json "a" + "\n" + """{"targetKind":"sftpStore","note":"precious"}""",
                ("mend ?", length (json "a") + 1L + 44L)
                """{"targetKind":"sftpStore","note":"precious"}""", ("foreign", 0L)
                json "a" + "\n" + """{"targetKind":"s3","note":"precious"},""",
                ("mend damaged", length (json "a") + 1L + 38L)
            ]
            (fst >> tailOf)
            snd

        testCase "a line that is not valid UTF-8 is not a receipt, and is kept" (fun () ->
            let line = utf8 (json "name")
            let at = (json "name").IndexOf "\"name\"" + 1

            for wrong in [ 0xffuy; 0x80uy; 0xc0uy ] do
                let broken = Array.mapi (fun index byte -> if index = at then wrong else byte) line
                let before = utf8 (json "a" + "\n")
                let lines, tail = scan (Array.concat [ before; broken; "\n"B ])
                Expect.equal (shown lines) [ 1L, "a"; 2L, "damaged" ] $"{wrong}"
                Expect.equal tail LogTail.Whole "with its end"

                Expect.equal
                    (tailOfBytes (Array.append before broken))
                    ("mend damaged", before.LongLength + broken.LongLength)
                    "a whole value is not cut off")

        testCase "a line that no receipt can be as long as is neither held nor cut off" (fun () ->
            let long = Array.create (3 * ReceiptLog.MaxLineBytes) (byte '{')
            let pieces = List.replicate 4 long

            match scanPieces pieces with
            | [], LogTail.Foreign refusal ->
                Expect.stringContains refusal.Message $"{4 * long.Length} bytes" "its length"
            | other -> failtest $"%A{other}"

            let lines, tail = scanPieces (pieces @ [ "\n"B; utf8 (json "a" + "\n") ])
            Expect.equal (shown lines) [ 1L, "?"; 2L, "a" ] "reported, and the next is read"

            let ours =
                Array.append (Array.take 20 (utf8 (json "a"))) (Array.create ReceiptLog.MaxLineBytes 0uy)

            let lines, _ = scanPieces [ ours; "\n"B ]
            Expect.equal (shown lines) [ 1L, "damaged" ] "it begins as ours"
            Expect.equal tail LogTail.Whole "with its end"

            Expect.equal
                (snd (scanPieces [ utf8 (json "a" + "\n"); Array.zeroCreate (3 * ReceiptLog.MaxLineBytes) ]))
                (LogTail.Cut(length (json "a") + 1L, ""))
                "any number of NULs is cut off")

        propertyTimes
            500
            "how a file comes in pieces makes no difference"
            (files |> Gen.bind inPieces)
            (fun (file, pieces) -> Expect.equal (scanPieces pieces) (scan file) "the same")

        covering
            500
            "a repaired file is whole, and has lost no line that had its end"
            [ "whole"; "mend"; "cut"; "foreign" ]
            (fun file -> (fst (tailOfBytes file)).Split(' ')[0])
            files
            (fun file ->
                match repaired file with
                | None -> ()
                | Some repaired ->
                    let before, tail = scan file
                    let after, end' = scan repaired
                    Expect.equal end' LogTail.Whole "whole"

                    let kept =
                        match tail with
                        | LogTail.Mend(lines, _) -> lines
                        | _ -> []

                    Expect.equal
                        (after |> List.map _.Line)
                        ((before |> List.map _.Line) @ kept)
                        "every line, and the last one if it was a receipt"

                    let untouched = Array.FindLastIndex(file, (fun b -> b = '\n'B)) + 1

                    Expect.sequenceEqual
                        (Array.take untouched repaired)
                        (Array.take untouched file)
                        "not a byte of a line changed")

        propertyTimes
            300
            "a line of ours, torn anywhere, is cut off, or kept where it tells its destination"
            (Gen.zip segment (Gen.choose (0, 10_000)))
            (fun (name, cut) ->
                let before = json "before" + "\n"
                let line = utf8 (json name)
                let cut = cut % (line.Length + 1)

                let toDestination =
                    length ((json name).Substring(0, (json name).IndexOf ",\"bytesWritten\":"))
                    |> int

                let expected =
                    if cut = 0 then
                        LogTail.Whole
                    elif cut = line.Length then
                        LogTail.Mend([ LogLine.Receipt(receipt name) ], length before + int64 cut)
                    elif cut >= toDestination && not (name.Contains '\uFFFD') then
                        LogTail.Mend([], length before + int64 cut)
                    else
                        LogTail.Cut(length before, "")

                let found =
                    match snd (scanPieces [ utf8 before; Array.take cut line ]) with
                    | LogTail.Cut(length, torn) ->
                        Expect.notEqual torn "" "what is cut off is shown"
                        LogTail.Cut(length, "")
                    | LogTail.Mend([ LogLine.Damaged(_, object) ], length) ->
                        let destination = (receipt name).Destination
                        Expect.equal (object |> Option.map fst) (Some destination) "what it is about"
                        LogTail.Mend([], length)
                    | other -> other

                Expect.equal found expected "what was whole stays whole")

        testCase "a line that is torn behind a brace of the artifact's name tells its destination" (fun () ->
            let name = "o{artifact}"
            let whole = json name

            let torn =
                whole.Substring(0, whole.LastIndexOf(name, StringComparison.Ordinal) + name.Length)

            Expect.equal
                (tailOfBytes (utf8 (json "a" + "\n" + torn)))
                ("mend damaged", length (json "a") + 1L + length torn)
                "kept")

        testCase "what is cut off is shown, without secrets" (fun () ->
            let torn =
                (json "a").Substring(0, 40)
                + "https://h/x?X-Amz-Signature=0123456789abcdef0123456789abcdef"

            match snd (scan (utf8 (json "a" + "\n" + torn))) with
            | LogTail.Cut(_, text) ->
                Expect.stringContains text ((json "a").Substring(0, 40)) "as it was"
                Expect.isFalse (text.Contains "0123456789abcdef") "masked"
            | other -> failtestf "%A" other)

        testCase "what is done is found by target, cell, name, address, length and digest" (fun () ->
            let other = {
                at 1 (receipt "a") with
                    Sha256 = String('b', 64)
            }

            let receipted = Resume.ofReceipts false [ receipt "a"; other; receipt "b" ]
            Expect.equal receipted.Count 2 "a and b"

            let isDone target cell name destination bytes digest =
                Resume.isDone receipted target cell name destination bytes digest None

            let maybe = Resume.mayBeDone receipted
            Expect.isTrue (isDone "" "c" "a" "s3://b/c/a" 3L (String('B', 64))) "the last, in any case"
            Expect.isFalse (isDone "" "c" "a" "s3://b/c/a" 3L (String('a', 64))) "it was overwritten"
            Expect.isTrue (maybe "" "c" "b" "s3://b/c/b" 3L) "worth a look"

            for target, cell, name, destination, bytes in
                [
                    "t", "c", "a", "s3://b/c/a", 3L
                    "", "d", "a", "s3://b/c/a", 3L
                    "", "c", "A", "s3://b/c/a", 3L
                    "", "c", "a", "s3://b2/c/a", 3L
                    "", "c", "a", "s3://b/c/a", 4L
                ] do
                Expect.isFalse (maybe target cell name destination bytes) "not worth a look"
                Expect.isFalse (isDone target cell name destination bytes (String('b', 64))) "not done")

        table
            "a receipt counts by what the store confirmed, and where that is compared"
            [
                "etag-md5", true, false, true
                "checksum-sha256", true, false, true
                "content-md5", true, false, true
                "unverified", true, false, false
                "unverified", true, true, true
                for word in [ ""; "none"; "Unverified"; "unverified "; "off"; "etag-md5x" ] do
                    word, true, true, false
                "etag-md5", false, false, false
            ]
            (fun (integrity, isChecked, accept, _) ->
                let receipted =
                    Resume.ofReceipts accept [
                        {
                            receipt "a" with
                                Integrity = integrity
                                DestinationChecked = isChecked
                                ObjectUrl = Some "https://h/b/c/a"
                        }
                    ]

                Resume.isDone
                    receipted
                    ""
                    "c"
                    "a"
                    "s3://b/c/a"
                    3L
                    (String('a', 64))
                    (Some(urlOf "https://h2/b/c/a")))
            (fun (_, _, _, expected) -> expected)

        testCase
            "a later receipt of other content for one destination counts alone, wherever its URL leads"
            (fun () ->
                let uploaded target url sha256 = {
                    receipt "a" with
                        TargetName = Some target
                        ObjectUrl = Some url
                        Sha256 = sha256
                }

                let first, second = String('a', 64), String('b', 64)

                for urls in
                    [
                        "http://127.0.0.1/b/c/a", "http://localhost/b/c/a"
                        "http://b.s3.corp/c/a", "http://s3.corp/b/c/a"
                        "http://h/b/c/a", "http://h/acme:b/c/a"
                    ] do
                    let isDone receipts target url sha256 =
                        Resume.isDone
                            (Resume.ofReceipts false receipts)
                            target
                            "c"
                            "a"
                            "s3://b/c/a"
                            3L
                            sha256
                            (Some(urlOf url))

                    let other = [ uploaded "t" (fst urls) first; at 1 (uploaded "u" (snd urls) second) ]
                    Expect.isFalse (isDone other "t" (fst urls) first) $"{urls}: it may be overwritten"
                    Expect.isTrue (isDone other "u" (snd urls) second) $"{urls}: the last"

                let same = [ uploaded "t" "http://h1/b/c/a" first; uploaded "u" "http://h2/b/c/a" first ]

                for target, url in [ "t", "http://h1/b/c/a"; "u", "http://h2/b/c/a" ] do
                    Expect.isTrue
                        (Resume.isDone
                            (Resume.ofReceipts false same)
                            target
                            "c"
                            "a"
                            "s3://b/c/a"
                            3L
                            first
                            (Some(urlOf url)))
                        "one file in two stores")

        testCase "a destination that was not compared counts for the same URL" (fun () ->
            let receipted =
                Resume.ofReceipts false [
                    {
                        receipt "a" with
                            DestinationChecked = false
                            ObjectUrl = Some "https://h/x"
                    }
                ]

            let isDone = Resume.isDone receipted "" "c" "a" "s3://b/c/a" 3L (String('a', 64))
            Expect.isTrue (isDone (Some(urlOf "https://h/x"))) "the same"
            Expect.isTrue (isDone (Some(urlOf "HTTPS://H:443/%78"))) "the same in another spelling"
            Expect.isTrue (isDone (Some(urlOf "https://h/x?X-Amz-Signature=q1w2e3r4"))) "the same, presigned"

            Expect.isFalse
                (isDone (Some(urlOf "https://h/x?bucket=b")))
                "the query may address another object"

            Expect.isFalse (isDone (Some(urlOf "https://h/y"))) "another"
            Expect.isFalse (isDone None) "unknown")

        table
            "a receipt whose URL is for another object than its destination does not count"
            [
                "https://h/b/c/a", "https://h/b/c/a", true
                "https://h/b/c/other", "https://h/b/c/other", false
                "https://h/b/c/other", "https://h/b/c/a", false
                "https://h/other/c/a", "https://h/other/c/a", false
                "https://h/b/b/c/a", "https://h/b/b/c/a", false
                // The receipt of an earlier version does not show the bucket.
                "https://h/c/a", "https://h/c/a", true
                "https://h/c/a", "https://h/b/c/a", false
                "https://h/p/REDACTED/n/ns/b/b/o/c/a", "https://h2/p/t0k3n/n/ns/b/b/o/c/a", true
            ]
            (fun (was, now, _) ->
                let receipted =
                    Resume.ofReceipts false [
                        {
                            receipt "a" with
                                ObjectUrl = Some was
                        }
                    ]

                Resume.isDone receipted "" "c" "a" "s3://b/c/a" 3L (String('a', 64)) (Some(urlOf now)))
            (fun (_, _, expected) -> expected)

        testCase "an object that another target, cell or artifact overwrote is not done" (fun () ->
            let uploaded target cell name (url: string | null) = {
                receipt "a" with
                    TargetName = target
                    CellId = cell
                    ArtifactName = name
                    ObjectUrl = Option.ofObj url
            }

            let own = "https://h/b/c/a"

            for later, expected in
                [
                    uploaded (Some "t") "c" "a" own, false
                    uploaded (Some "t") "c" "a" "https://h/b/c/%61", false
                    uploaded (Some "t") "c" "a" null, false
                    uploaded None "c/a" "b" own, false
                    {
                        uploaded None "c" "x" own with
                            Destination = "s3://other/c/a"
                    },
                    false
                    // Another place: another object, until its URL says otherwise.
                    uploaded (Some "t") "c" "a" "https://h2/b/c/a", true
                    uploaded (Some "t") "c" "a" "https://h/tenant:b/c/a", true
                    uploaded (Some "t") "c" "a" "https://b.h/c/a", false
                    {
                        uploaded None "c" "x" "https://h/b/c/x" with
                            Destination = "s3://b/c/x"
                    },
                    true
                ] do
                let receipted = Resume.ofReceipts false [ uploaded None "c" "a" own; later ]

                Expect.equal
                    (Resume.isDone receipted "" "c" "a" "s3://b/c/a" 3L (String('a', 64)) (Some(urlOf own)))
                    expected
                    $"%A{later.TargetName} {later.CellId} {later.ObjectUrl}")

        testCase
            "an upload that started takes back earlier receipts, until nothing was stored or a receipt follows"
            (fun () ->
                let own = urlOf "https://h/b/c/a?X-Amz-Signature=q1w2e3r4"

                let stored =
                    LogLine.Receipt {
                        receipt "a" with
                            ObjectUrl = Some "https://h/b/c/a"
                    }

                let start (lines: LogLine list) =
                    let receipted = Resume.ofLines false lines
                    Resume.startOf receipted "t" "c" "a" "s3://b/c/a" (Some own) DateTimeOffset.UnixEpoch

                let isDone (lines: LogLine list) =
                    Resume.isDone
                        (Resume.ofLines false lines)
                        ""
                        "c"
                        "a"
                        "s3://b/c/a"
                        3L
                        (String('a', 64))
                        (Some own)

                let mark = Expect.wantSome (start [ stored ]) "the object has a receipt"
                let json = UploadMark.toJson mark
                Expect.isFalse (json.Contains "q1w2e3r4") "no secret"

                Expect.equal
                    (scan (utf8 (json + "\n")) |> fst |> List.map _.Line)
                    [ LogLine.Upload mark ]
                    "written and read"

                let started = LogLine.Upload mark

                let notStored =
                    LogLine.Upload {
                        mark with
                            State = UploadState.NotStored
                    }

                Expect.isTrue (isDone [ stored ]) "a receipt"
                Expect.isFalse (isDone [ stored; started ]) "it may be overwritten"
                Expect.isTrue (isDone [ stored; started; notStored ]) "it was not"
                Expect.isTrue (isDone [ stored; started; stored ]) "it was, and is receipted"
                Expect.isFalse (isDone [ started; notStored ]) "no receipt"

                let again () =
                    LogLine.Upload {
                        mark with
                            TargetName = mark.TargetName
                    }

                Expect.isFalse (isDone [ stored; again (); again (); notStored ]) "one of two is open"
                Expect.isTrue (isDone [ stored; again (); again (); notStored; notStored ]) "none is"

                let elsewhere =
                    LogLine.Upload {
                        mark with
                            ObjectUrl = Some "https://h2/b/c/a"
                    }

                Expect.isFalse (isDone [ stored; elsewhere ]) "another name of one store, it may be"

                let renamed =
                    LogLine.Upload {
                        mark with
                            TargetName = "u"
                            ObjectUrl = None
                    }

                Expect.isFalse (isDone [ stored; renamed ]) "a target that was renamed"

                let copied =
                    LogLine.Receipt {
                        at 1 (receipt "a") with
                            TargetName = Some "t"
                            ObjectUrl = Some "https://h2/b/c/a"
                    }

                Expect.isTrue (isDone [ stored; elsewhere; copied ]) "the same content followed"

                Expect.isFalse
                    (isDone [ stored; started; elsewhere; copied ])
                    "the end of one of the uploads is unknown"

                let before =
                    LogLine.Upload {
                        mark with
                            At = DateTimeOffset.UnixEpoch.AddSeconds 5.
                    }

                Expect.isFalse (isDone [ before; stored ]) "the files were put together in another order"
                let other = LogLine.Upload { mark with Destination = "s3://b2/k" }
                Expect.isFalse (isDone [ stored; other ]) "the same URL"
                Expect.isNone (start []) "nothing is overwritten"
                Expect.isNone (start [ stored; started ]) "the line is there already"
                Expect.isTrue (start [ stored; renamed ]).IsSome "another upload has another line")

        testCase
            "of two receipts of one destination, the one that is later by the lines and by the times counts"
            (fun () ->
                let first, second = String('a', 64), String('b', 64)

                let uploaded seconds sha256 = {
                    at seconds (receipt "a") with
                        Sha256 = sha256
                }

                let done' receipts =
                    [ first; second ]
                    |> List.filter (fun sha256 ->
                        Resume.isDone
                            (Resume.ofReceipts false receipts)
                            ""
                            "c"
                            "a"
                            "s3://b/c/a"
                            3L
                            sha256
                            None)

                for receipts, expected in
                    [
                        [ uploaded 1 first; uploaded 2 second ], [ second ]
                        // Sorted, or put together in the wrong order; or the clock was set back.
                        [ uploaded 2 second; uploaded 1 first ], []
                        [ uploaded 1 first; uploaded 1 second ], []
                        [ uploaded 2 first; uploaded 1 first ], [ first ]
                        [ uploaded 9 first; uploaded 1 first; uploaded 5 second ], []
                        [ uploaded 9 first; uploaded 1 second; uploaded 5 second ], []
                        [ uploaded 2 second; uploaded 1 first; uploaded 3 first ], [ first ]
                    ] do
                    Expect.equal (done' receipts) expected $"%A{receipts |> List.map _.CompletedAt}")

        testCase "a damaged line takes back the earlier receipts of what it may be about" (fun () ->
            let lines = [ json "a"; json "b" ]

            let newer =
                Receipt.toJson {
                    at 1 (receipt "a") with
                        ObjectUrl = Some "https://h/b/c/a"
                }

            let mark =
                UploadMark.toJson {
                    State = UploadState.Started
                    TargetName = ""
                    Destination = "s3://b/c/a"
                    CellId = "c"
                    ArtifactName = "a"
                    ObjectUrl = None
                    At = DateTimeOffset.UnixEpoch
                }

            let spaced (line: string) =
                line.Replace("\":", "\": ").Replace(",\"", ", \"")

            let keyless (line: string) =
                line.Replace("\"targetKind\":\"s3\",", "")

            let doneAfter (damaged: string) =
                let text = String.concat "\n" (lines @ [ damaged; json "d"; "" ])
                let receipted = scan (utf8 text) |> fst |> List.map _.Line |> Resume.ofLines false

                [ "a"; "b"; "d" ]
                |> List.filter (fun name ->
                    Resume.isDone receipted "" "c" name $"s3://b/c/{name}" 3L (String('a', 64)) None)

            for damaged, expected in
                [
                    newer.Substring(0, newer.Length - 15), [ "b"; "d" ]
                    newer.Replace("\"integrity\"", "\"integ"), [ "b"; "d" ]
                    mark.Replace("started", "startEd"), [ "b"; "d" ]
                    mark.Substring(0, mark.Length - 9), [ "d" ]
                    newer.Substring(0, 40), [ "d" ]
                    newer.Replace("/c/a\"", "/c/x\"").Substring(0, newer.Length - 15), [ "d" ]
                    newer.Substring 30, [ "d" ]
                    String('\000', 30) + newer.Substring 30, [ "d" ]
                    "{", [ "d" ]
                    "\000\000", [ "d" ]
                    String('\000', 600) + json "e", [ "d" ]
                    json "e" + String('\000', 600), [ "d" ]
                    json "e" + "\000," + json "f", [ "d" ]
                    // Written anew by other programs: with blanks, deeper, as a text, as something else than JSON.
                    spaced (keyless newer), [ "b"; "d" ]
                    keyless newer, [ "b"; "d" ]
                    $"""{{"data": {keyless newer}}}""", [ "b"; "d" ]
                    JsonSerializer.Serialize {| log = newer + "\n" |}, [ "b"; "d" ]
                    newer.Replace('"', '\''), [ "d" ]
                    "\"" + newer.Replace("\"", "\"\"") + "\"", [ "d" ]
                    """{"objectUrl": "https://h/b/c/a"}""", [ "d" ]
                    // Not lines of this library.
                    "a note", [ "a"; "b"; "d" ]
                    """{"targetKind":"sftpStore","destination":"x"}""", [ "a"; "b"; "d" ]
                    """{"name":"x"}""", [ "a"; "b"; "d" ]
                    // Two lines that lost the end between them.
                    json "e" + json "f", [ "a"; "b"; "d" ]
                ] do
                Expect.equal (doneAfter damaged) expected damaged)

        testCase "an upload over the object of another artifact or cell is named" (fun () ->
            let receipted =
                Resume.ofReceipts false [
                    {
                        receipt "a" with
                            ObjectUrl = Some "https://h/up"
                    }
                ]

            let sentence cell name destination url =
                Resume.overwrites receipted cell name destination (Some(urlOf url))

            let text =
                Expect.wantSome (sentence "c" "b" "s3://b/c/b" "https://h/up") "another artifact"

            Expect.stringContains text "'a' of the cell 'c'" "which"
            Expect.isTrue (sentence "c2" "a" "s3://b/c2/a" "https://h/up").IsSome "another cell"
            Expect.isNone (sentence "c" "a" "s3://b/c/a" "https://h/up") "itself"
            Expect.isNone (sentence "c" "b" "s3://b/c/b" "https://h/up2") "another object"

            Expect.isNone
                (sentence "c" "b" "s3://b/c/b" "https://h/up?x=1")
                "the query may choose another object")

        testCase "a line about an upload is ours, whole or torn" (fun () ->
            let line =
                UploadMark.toJson {
                    State = UploadState.Started
                    TargetName = "t"
                    Destination = "s3://b/c/a"
                    CellId = "c"
                    ArtifactName = "a"
                    ObjectUrl = None
                    At = DateTimeOffset.UnixEpoch
                }

            Expect.isFalse (Receipt.parse line).IsOk "earlier versions ignore it"
            Expect.equal (tailOf (line + "\n")) ("whole", 0L) "whole"
            Expect.equal (tailOf line) ("mend the upload of a", length line) "without its end"

            for cut in [ 1; 10; 20; line.Length / 2; line.Length - 1 ] do
                Expect.equal
                    (tailOf (json "a" + "\n" + line.Substring(0, cut)))
                    ("cut", length (json "a") + 1L)
                    $"{cut}")

        testCase
            "an unverified receipt, or one of another kind, takes back what an earlier one says"
            (fun () ->
                for later in
                    [
                        {
                            receipt "a" with
                                Integrity = "unverified"
                        }
                        { receipt "a" with TargetKind = "ftp" }
                    ] do
                    let receipted = Resume.ofReceipts false [ receipt "a"; later ]
                    Expect.equal receipted.Count 0 "it may have overwritten the object")

        table
            "a note names both accounts of one host"
            [
                "https://h/v1/AUTH_staging/b/c/a",
                "https://h/v1/AUTH_prod/b/c/a",
                [ "/v1/AUTH_staging/b/"; "/v1/AUTH_prod/b/" ]
                "https://h/b/c/a", "https://h/tenant:b/c/a", [ "'https://h/b/'"; "'https://h/tenant:b/'" ]
                "https://h/p/REDACTED/n/staging/b/b/o/c/a",
                "https://h/p/REDACTED/n/prod/b/b/o/c/a",
                [ "/n/staging/b/b/o/"; "/n/prod/b/b/o/" ]
                "https://h/b/c/a", "https://h/b/c/%61", []
                "https://h/b/c/a", "https://b.h/c/a", []
            ]
            (fun (was, now, expected) ->
                let receipted =
                    Resume.ofReceipts false [
                        {
                            receipt "a" with
                                ObjectUrl = Some was
                        }
                    ]

                let note = Resume.otherPlace receipted "" "c" "a" "s3://b/c/a" now
                note.IsSome, expected |> List.filter (fun text -> note |> Option.exists _.Contains(text)))
            (fun (_, _, expected) -> not expected.IsEmpty, expected)

        testCase "a note names both places, without user info" (fun () ->
            let receipted =
                Resume.ofReceipts false [
                    {
                        receipt "a" with
                            ObjectUrl = Some "http://u:secret-word@one.example:9000/c/a"
                    }
                ]

            let note url =
                Resume.otherPlace receipted "" "c" "a" "s3://b/c/a" url

            let text = Expect.wantSome (note "http://two.example/c/a") "another host"
            Expect.stringContains text "one.example:9000" "before"
            Expect.stringContains text "two.example" "now"
            Expect.isFalse (text.Contains "secret-word") "no user info"
            Expect.isNone (Resume.otherPlace receipted "" "c" "b" "s3://b/c/b" "http://x/c/b") "no receipt")

        testCase "a file whose lines are none of them receipts is not ours" (fun () ->
            for file in [ "a note\n"; "a note\n\n\000\000"; "a note\n{}\r\n" ] do
                Expect.equal (tailOf file) ("foreign", 0L) file

            for file in [ ""; "\n \r\n"; "a note\n" + json "a" + "\n"; json "a" + "\na note\n" ] do
                Expect.equal (tailOf file) ("whole", 0L) file

            // Cut off, nothing would show any more that the file is ours.
            Expect.equal (tailOf ("a note\n" + (json "a").Substring(0, 40))) ("foreign", 0L) "torn"
            Expect.equal (tailOf ("a note\n" + json "a")) ("mend a", 7L + length (json "a")) "mended")
    ]
