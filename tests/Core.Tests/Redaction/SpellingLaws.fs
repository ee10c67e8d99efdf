/// No secret is shown, in whatever spelling a server echoes it.
module CellOS.Export.S3.Core.Tests.SpellingLaws

open System
open System.Diagnostics
open System.Text
open System.Xml
open Expecto
open FsCheck
open FsCheck.FSharp
open Microsoft.FSharp.Reflection
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Decoding

/// Of gateways that rewrite paths: the URLs here are for objects of their own.
let private rewriting (change: Target -> Target) =
    change >> fun target -> { target with KeyCheck = false }

let private ofUrl (url: string) change = plan (Some url) (rewriting change)

/// True if an escape of the value is around this place.
let private isEscape (value: string) (at: int) =
    value.Substring(max 0 (at - 2), at - max 0 (at - 2)).Contains '%'

/// A secret of the URL as a server may echo it: spelled, split by a blank, or in a dump of octets; and what may precede it, which can look like the start of an escape.
let private echo (planted: PlantedUrl) =
    gen {
        let! value = Gen.elements planted.Echoes
        let! between = Gen.elements [ ""; ""; ""; " "; "\n"; "\r\n  " ]
        let! at = Gen.choose (0, value.Length)
        let isDump = between = "" && at % 8 = 7
        let value = value.Insert((if isEscape value at then 0 else at), between)

        let! spelled =
            if isDump then
                Gen.constant ("\n" + dump $"value: {value}")
            else
                Texts.spelled value

        let! upper = Gen.elements [ false; false; false; true ]

        let! before =
            Gen.frequency [
                5, Gen.constant "see "
                1, Gen.constant ""
                1, Gen.elements [ "100%"; @"C:\"; "a&"; "sum="; "%2"; @"\u"; "\"" ]
            ]

        // "\u" takes four characters away, and the rest of a short secret may be any word.
        let isTaken =
            value.Length < 16
            && value
               |> Seq.filter Char.IsAsciiLetterOrDigit
               |> Seq.truncate 4
               |> Seq.forall Char.IsAsciiHexDigit

        let before = if before = @"\u" && isTaken then "see " else before
        let! after = Gen.elements [ ""; " there"; "%"; "\""; "==" ]
        // Escapes of JSON and entities have lower-case letters.
        let spelled =
            if upper && spelled = value then spelled.ToUpperInvariant() else spelled

        return before + spelled + after
    }

/// Every text of a record (`string`, `string option`, and those of records in it) is a generated one.
let private withTexts (texts: string list) (record: obj) : obj =
    let mutable left = texts

    let next () =
        match left with
        | text :: rest ->
            left <- rest @ [ text ]
            text
        | [] -> ""

    let rec fill (record: obj) : obj =
        let fields =
            FSharpType.GetRecordFields(record.GetType())
            |> Array.map (fun field ->
                match field.GetValue record with
                | _ when field.PropertyType = typeof<string> -> box (next ())
                | _ when field.PropertyType = typeof<string option> -> box (Some(next ()))
                | value -> (value: objnull))

        FSharpValue.MakeRecord(record.GetType(), fields)

    fill record

let private echoing (status: int) (texts: string list) (code: string) : Reply =
    let reply = withTexts texts (Reply.Of status) :?> Reply
    let error = withTexts (List.rev texts) (S3Error.Of code) :?> S3Error

    {
        reply with
            Sent = Some sent
            // What the store confirms decides on the receipt; it is not shown.
            Checksums = []
            Error =
                if status < 300 || code = "page" then
                    None
                else
                    Some {
                        error with
                            Code = if code = "" then error.Code else code
                            Details = [
                                for name, text in
                                    List.zip
                                        S3Error.detailNames
                                        (S3Error.detailNames |> List.mapi (fun i _ -> texts[i % texts.Length])) ->
                                    { Element = name; Content = text }
                            ]
                    }
            Body =
                if code = "page" then
                    Some {
                        Format = BodyFormat.Html
                        VisibleText = String.concat " " texts
                        Meaning = BodyMeaning.Error
                    }
                else
                    None
    }

let private outcomes (texts: string list) =
    gen {
        let! status =
            Gen.elements [ 200; 301; 307; 400; 400; 401; 403; 403; 404; 409; 412; 500; 503 ]

        let! code =
            Gen.elements [
                ""
                "page"
                "AccessDenied"
                "SignatureDoesNotMatch"
                "AuthorizationQueryParametersError"
                "InvalidRequest"
                "SlowDown"
            ]

        let! kind =
            Gen.elements [
                FaultKind.Network
                FaultKind.Proxy
                FaultKind.ConnectionReset
                FaultKind.CertificateUntrusted
                FaultKind.InvalidReply
            ]

        return!
            Gen.frequency [
                4, Gen.constant (Outcome.Replied(echoing status texts code))
                1,
                Gen.constant (
                    Outcome.NotSent {
                        Fault.Create(kind, "", 0L) with
                            Detail = texts.Head
                    }
                )
            ]
    }

/// A URL of any store, and the outcomes of two attempts that echo its secrets in every text.
let private pushes =
    gen {
        let! planted = Urls.ofAnyStore
        let! texts = Gen.listOfLength 9 (echo planted)
        let! first = outcomes texts
        let! second = outcomes (List.rev texts)
        return planted, texts, [ first; second ]
    }

let private showsNone (secrets: string list) (where: string) (shown: string list) =
    for text in shown do
        Expect.isEmpty (readable secrets text) $"{where}: {text}"

/// All that is shown of a push: outputs in every way and format, states, and reports of attempts.
let private shownOf (turns: Turn list) = [
    for i, turn in List.indexed turns do
        yield! Shown.everyWay turn.Output
        yield! renderings turn
        string turn.State

        match turn.Input with
        | Input.Attempted(_, _, outcome) when i > 0 ->
            yield! Shown.everyWay (AttemptReport.create turns[i - 1].State outcome)
        | _ -> ()
]

let private xmlError (texts: string list) =
    let body = StringBuilder()

    do
        use writer =
            XmlWriter.Create(body, XmlWriterSettings(CheckCharacters = false, OmitXmlDeclaration = true))

        writer.WriteStartElement "Error"

        for name, text in
            List.zip
                [
                    "Code"
                    "Message"
                    "RequestId"
                    "HostId"
                    "Region"
                    "Endpoint"
                    "StringToSign"
                    "AWSAccessKeyId"
                    "SignatureProvided"
                ]
                ("AccessDenied" :: List.tail texts) do
            writer.WriteElementString(name, text)

        writer.WriteEndElement()

    body.ToString()

/// URL 1 expires, URL 2 is refused with what `texts` makes of URL 1's signature.
let private secondUrl (texts: string -> string) =
    let first = "https://h/k?X-Amz-Signature=f1rs7f1rs7f1rs7"
    let second = "https://h/k?X-Amz-Signature=s3c0nds3c0nds3c0nd"
    let echo = texts "f1rs7f1rs7f1rs7"

    let refusal = {
        error 403 "AccessDenied" $"no {echo}" with
            RequestId = Some $"id {echo}"
            HostId = Some $"host {echo}"
    }

    let turns =
        feed (asked (rewriting (retrying 3 0 0))) [
            started
            Input.UrlGiven(at 0, parsed first)
            attempted 0 (error 403 "AccessDenied" "Request has expired")
            Input.UrlGiven(at 0, parsed second)
            attempted 0 refusal
        ]

    turns, refusal

[<Tests>]
let tests =
    testList "Spellings" [
        propertyTimes
            200
            "a push over a URL of any store shows no secret, however a server spells it"
            pushes
            (fun (planted, texts, outcomes) ->
                // The texts do contain secrets that can be read.
                Expect.isFalse (texts |> List.collect (readable planted.Secrets)).IsEmpty "an echo"

                let inputs = [
                    started
                    for i, outcome in List.indexed outcomes do
                        Input.Attempted(at i, 0.5, outcome)
                        Input.Woke(at 100000)
                ]

                // The URL may have expired, or sign a header that is not supplied: then nothing is echoed.
                let turns = feed (ofUrl planted.Url (retrying 2 0 0)) inputs
                showsNone planted.Secrets "a push" (shownOf turns)

                for text in texts do
                    let url = parsed planted.Url
                    let fault = Fault.Of(url, FaultKind.Network, text, 0L, None)
                    showsNone planted.Secrets "a fault" [ fault.Detail ]

                    showsNone planted.Secrets "known" [
                        Redaction.known (Redaction.secretsOf planted.Url) text
                    ])

        property "an error document that echoes a secret shows none" pushes (fun (planted, texts, _) ->
            let parsedError =
                S3Error.tryParse (ReadOnlyMemory(Encoding.UTF8.GetBytes(xmlError texts)))

            let reply = {
                Reply.Of 403 with
                    Error = parsedError
                    Sent = Some sent
            }

            let turns = feed (ofUrl planted.Url (retrying 1 0 0)) [ started; attempted 0 reply ]
            showsNone planted.Secrets "a push" (shownOf turns))

        testCase "most pushes of the law above reach a server that echoes" (fun () ->
            let reached =
                Gen.sample 400 pushes
                |> Array.filter (fun (planted, _, outcomes) ->
                    feed (ofUrl planted.Url (retrying 1 0 0)) [
                        started
                        Input.Attempted(at 0, 0.5, outcomes.Head)
                    ]
                    |> List.exists (fun turn -> turn.Output.IsPut))

            Expect.isGreaterThan reached.Length 100 "of 400")

        propertyTimes 500 "a URL of any store is shown without its secrets" Urls.ofAnyStore (fun planted ->
            let url = parsed planted.Url
            let asPath = planted.Url.Replace("//", "/")

            showsNone planted.Secrets "shown" [
                Redaction.url planted.Url
                Redaction.text planted.Url
                Redaction.text $"GET {planted.Url} failed."
                Redaction.text (Text.Json.JsonSerializer.Serialize planted.Url)
                Redaction.text (Uri.EscapeDataString planted.Url)
                Redaction.text (Security.SecurityElement.Escape planted.Url |> nonNull)
                Redaction.plain planted.Url
                // What .NET makes of a URL that it takes for a path.
                Redaction.text $"Could not find file '/data/{asPath}'."
                RequestUrl.withoutQuery url
                string url
            ])

        testCase "secrets of an earlier URL are masked in what the server of a later one echoes" (fun () ->
            for texts in
                [
                    id
                    String.collect (fun c -> $"%%%02X{int c}")
                    String.collect (fun c -> $"\\u%04x{int c}")
                ] do
                let turns, refusal = secondUrl texts

                match (List.last turns).Output with
                | Output.Failed failure ->
                    Expect.equal failure.Kind FailureKind.Refused "the second URL was refused"
                    Expect.stringContains failure.Message "no REDACTED" "the message"
                    Expect.equal failure.RequestId (Some "id REDACTED") "the request id"

                    Expect.stringContains
                        (FailureReport.toJson (FailureReport.ofFailure failure))
                        "\"requestId\":\"id REDACTED\""
                        "JSON"
                | output -> failtestf "It did not fail: %A" output

                let putting = turns[turns.Length - 2].State
                let report = AttemptReport.create putting (Outcome.Replied refusal)
                Expect.equal report.RequestId (Some "id REDACTED") "the report's request id"
                Expect.equal report.HostId (Some "host REDACTED") "the report's host id"
                showsNone [ "f1rs7f1rs7f1rs7" ] "all" (shownOf turns))

        testCase "secrets of an earlier URL are masked in the receipt" (fun () ->
            let turns =
                feed (asked (rewriting (retrying 3 0 0))) [
                    started
                    Input.UrlGiven(at 0, parsed "https://h/k?X-Amz-Signature=f1rs7f1rs7f1rs7")
                    attempted 0 (error 403 "AccessDenied" "Request has expired")
                    Input.UrlGiven(at 0, parsed "https://h/k?X-Amz-Signature=s3c0nds3c0nds3c0nd")
                    attempted 0 {
                        stored with
                            RequestId = Some "f1rs7f1rs7f1rs7"
                    }
                ]

            Expect.equal (receipt turns).RequestId (Some "REDACTED") "masked")

        testCase "the time to mask grows with the text, not with its square" (fun () ->
            let secrets = [ String('a', 1500) + "b"; "4141414141414141414141414141414141414141" ]

            let ticks (text: string) =
                let watch = Stopwatch.StartNew()
                Redaction.known secrets text |> ignore
                watch.ElapsedTicks

            for piece in
                [
                    "a"
                    "%41"
                    "%2541"
                    "%25"
                    "\\"
                    "&#"
                    "&#0"
                    "&#x41;"
                    "0;"
                    "?"
                    "?%3F"
                    "?a="
                    "?a&"
                    "a:/?"
                    "://"
                    "://@"
                    ":/#"
                    "/p/"
                    "/p/a/n/"
                    "Signature="
                    "Signature:"
                    "token "
                    "Authorization: "
                    "sig>"
                    "\u00e9"
                    "://a:b/"
                    "://a:b@"
                    "=41"
                    "=3D"
                    "\\u{41}"
                    "0}"
                    "\\101"
                    "%u0041"
                    "accessToken="
                    "Bearer "
                ] do
                let text length =
                    String.replicate (length / piece.Length) piece

                let short, long = text 8192, text 131072
                ticks short |> ignore

                // The quickest of several, by turns, since other programs run at the same time. A busy machine gets more
                // rounds. 16 times the text: if the time grew with the square, it would be 256 times as long.
                let rec ratio rounds bestShort bestLong =
                    let bestShort, bestLong = min bestShort (ticks short), min bestLong (ticks long)
                    let ratio' = float bestLong / float bestShort

                    if rounds > 1 && (rounds > 53 || ratio' >= 100.) then
                        ratio (rounds - 1) bestShort bestLong
                    else
                        ratio'

                Expect.isLessThan (ratio 60 Int64.MaxValue Int64.MaxValue) 100. $"%A{piece}")
    ]

[<Tests>]
let split =
    let secret = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    let shows (text: string) = Redaction.known [ secret ] text

    let lettersOf (text: string) =
        text |> String.filter Char.IsAsciiLetterOrDigit

    testList "Secrets that something splits" [
        table
            "a secret is masked whatever stands between its letters"
            [
                for between in
                    [
                        " "
                        "\n"
                        "\t"
                        "\u00ad"
                        "\u200b"
                        "\u034f"
                        "\",\""
                        ":"
                        " > "
                        "&shy;"
                        "%20"
                    ] do
                    $"bad {secret.Substring(0, 30)}{between}{secret.Substring 30} here"
                "bad " + String.Join(' ', secret |> Seq.map string) + " here"
                "bad " + String.Join('\000', secret |> Seq.map string) + " here"
            ]
            (fun text -> (lettersOf (shows text)).Contains(secret.Substring(0, 8)))
            (fun _ -> false)

        testCase "the credentials of a proxy are masked in what it says" (fun () ->
            match Proxy.parse "http://alice:hunter2secretpw@p.example:3128" with
            | Error refusal -> failtest (string refusal)
            | Ok proxy ->
                let echo =
                    Outcome.Replied {
                        Reply.Of 407 with
                            RequestId = Some "hunter2secretpw"
                            Body =
                                Some {
                                    Format = BodyFormat.Text
                                    VisibleText = "denied YWxpY2U6aHVudGVyMnNlY3JldHB3 for hunter2secretpw"
                                    Meaning = BodyMeaning.Harmless
                                }
                    }

                let shown = sprintf "%A" (Proxy.mask "store.example" echo proxy)

                for secret in [ "hunter2secretpw"; "YWxpY2U6aHVudGVyMnNlY3JldHB3" ] do
                    Expect.isFalse (shown.Contains secret) shown)
    ]
