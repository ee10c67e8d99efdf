/// What is remembered, left out or read by hand for the sake of speed, against the plain way of doing it.
module CellOS.Export.S3.Core.Tests.ShortcutLaws

open System
open System.Globalization
open System.Threading.Tasks
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Stories
open CellOS.Export.S3.Core.Tests.Driver

/// `Redaction.known` as its documentation has it: one form after the other, the longest first.
let private knownOneByOne (secrets: string list) (text: string) =
    secrets
    |> List.collect (fun secret -> [
        secret
        Uri.UnescapeDataString secret
        (Uri.UnescapeDataString secret).TrimEnd '='
        Uri.EscapeDataString secret
        Uri.UnescapeDataString(secret.Replace('+', ' '))
    ])
    |> List.filter (fun form -> form.Length >= Redaction.ShortestSecret)
    |> List.distinct
    |> List.sortByDescending _.Length
    |> List.fold
        (fun (text: string) form -> text.Replace(form, Redaction.Mask, StringComparison.OrdinalIgnoreCase))
        text
    |> Redaction.text

/// Secrets that are short, padded, escaped once and twice, and of characters that take several octets.
let private anySecret =
    let piece =
        Gen.elements [
            "a"
            "Z"
            "7"
            "-"
            "+"
            "="
            "%3D"
            "%2B"
            "%2F"
            "/"
            "%25"
            "%41"
            "%2541"
            "%C3%A9"
            "%F0%9D%84%9E"
            "%ff"
            "%"
            "é"
            "K"
            "\u212a"
            "REDACTED"
        ]

    Gen.choose (0, 9)
    |> Gen.bind (fun count -> Gen.listOfLength count piece)
    |> Gen.map String.Concat

/// A text with forms of the secrets in it, or with none.
let private tellingOf (secrets: string list) =
    let forms =
        secrets
        |> List.collect (fun secret -> [
            secret
            secret.ToUpperInvariant()
            Uri.UnescapeDataString secret
            (Uri.UnescapeDataString secret).TrimEnd '='
            Uri.EscapeDataString secret
            Uri.UnescapeDataString(secret.Replace('+', ' '))
            secret.Substring(secret.Length / 2)
        ])

    Gen.choose (0, 3)
    |> Gen.bind (fun count ->
        Gen.listOfLength
            count
            (Gen.frequency [ 4, Gen.elements ("" :: forms); 1, anyText; 2, alphanumeric 0 40 ]))
    |> Gen.map String.Concat

let private secretsAndText =
    gen {
        let! count = Gen.choose (0, 4)
        let! secrets = Gen.listOfLength count (Gen.oneof [ anySecret; secret ])
        let! text = tellingOf secrets
        return secrets, text
    }

/// A presigned URL with a path for every artifact, as a template.
let private signedTemplate =
    gen {
        let! planted = presigned

        let! path =
            Gen.elements [ "/{cell_id}/{artifact_name}"; "/{artifact_name}"; "/{cell_id}" ]

        let! inQuery = Gen.elements [ ""; ""; "&a={artifact_name}"; "&c={cell_id}" ]
        return planted, planted.Url.Insert(planted.Url.IndexOf '?', path) + inQuery
    }

/// Such a template, and what a server may say of it on one line of ASCII.
let private templateAndReply =
    gen {
        let! planted, text = signedTemplate

        let! told =
            Gen.oneof [
                tellingOf (Redaction.secretsOf planted.Url)
                Gen.elements planted.Echoes
                alphanumeric 0 60
            ]
            |> Gen.map (String.filter (fun c -> c >= ' ' && c <= '~'))
            |> Gen.listOfLength 3

        return text, told
    }

let private rendered (text: string) cell artifact =
    let template = Expect.wantOk (UrlTemplate.parse text) text
    UrlTemplate.render cell artifact template

/// Rendered as its documentation has it: each placeholder replaced, differently before and after the `?`.
let private renderedOneByOne (text: string) (cell: CellId) (artifact: ArtifactName) =
    let fill (encode: string -> string) (part: string) =
        part
            .Replace("{cell_id}", encode (CellId.value cell))
            .Replace("{artifact_name}", encode (ArtifactName.value artifact))

    let inPath (value: string) =
        (Uri.EscapeDataString value).Replace("%2F", "/")

    match text.IndexOf '?' with
    | -1 -> fill inPath text
    | i ->
        fill inPath (text.Substring(0, i))
        + fill Uri.EscapeDataString (text.Substring i)

let private dates =
    let digits count =
        Gen.elements [ 0; 1; 2; 9 ]
        |> Gen.listOfLength count
        |> Gen.map (List.map string)

    Gen.oneof [
        gen {
            let! year = Gen.elements [ "0000"; "0001"; "1900"; "2000"; "2024"; "2026"; "9999" ]
            let! month = Gen.elements [ "00"; "01"; "02"; "04"; "12"; "13" ]
            let! day = Gen.elements [ "00"; "01"; "28"; "29"; "30"; "31"; "32" ]
            let! hour = Gen.elements [ "00"; "23"; "24" ]
            let! rest = Gen.elements [ "0000"; "5959"; "6000"; "0060" ]
            return $"{year}{month}{day}T{hour}{rest}Z"
        }
        Gen.elements [
            "20260301t120000Z"
            "20260301T120000z"
            "20260301T120000"
            "20260301T120000Z%00"
            "%2020260301T12000Z"
            "2026030%31T120000%5A"
            "2026 301T120000Z"
            "+2260301T120000Z"
            "٢0260301T120000Z"
        ]
        digits 14
        |> Gen.map (fun digits ->
            String.Concat(List.take 8 digits)
            + "T"
            + String.Concat(List.skip 8 digits)
            + "Z")
    ]

[<Tests>]
let tests =
    testList "Shortcuts" [
        propertyTimes
            2000
            "secrets are masked as if each of their forms were looked for"
            secretsAndText
            (fun (secrets, text) ->
                Expect.equal (Redaction.known secrets text) (knownOneByOne secrets text) $"%A{secrets}")

        propertyTimes
            500
            "what is remembered of a template's query is what each of its URLs says"
            (Gen.zip3 signedTemplate cellId artifact)
            (fun ((planted, text), cell, artifact) ->
                let url = rendered text cell artifact
                let anew = parsed (RequestUrl.reveal url)
                Expect.equal (RequestUrl.reveal url) (renderedOneByOne text cell artifact) "the same URL"
                Expect.equal (PresignedUrl.inspect url) (PresignedUrl.inspect anew) "the same findings"
                Expect.equal (RequestUrl.path url) (RequestUrl.path anew) "path"
                Expect.equal (RequestUrl.revealQuery url) (RequestUrl.revealQuery anew) "query"
                Expect.equal (RequestUrl.host url) (RequestUrl.host anew) "host"
                Expect.equal (RequestUrl.withoutQuery url) (RequestUrl.withoutQuery anew) "address"
                Expect.equal (RequestUrl.revealUri url) (RequestUrl.revealUri anew) "Uri"

                for told in RequestUrl.reveal url :: planted.Echoes do
                    let masked (url: RequestUrl) =
                        Fault.Of(url, FaultKind.Network, $"sent {told}.", 0L, None).Detail

                    Expect.equal (masked url) (masked anew) "masked alike"
                    Expect.isEmpty (holds planted.Secrets (masked url)) (masked url))

        propertyTimes
            300
            "a receipt tells what a server said without the secrets of the URL"
            templateAndReply
            (fun (text, told) ->
                let plan = plan (Some text) same

                let reply = {
                    stored with
                        ETag = Some told[0]
                        VersionId = Some told[1]
                        RequestId = Some told[2]
                }

                match (List.last (feed plan [ started; attempted 10 reply ])).Output with
                | Output.Done receipt ->
                    let url =
                        match plan.Url with
                        | UrlSource.Given url -> RequestUrl.reveal url
                        | UrlSource.Asked -> ""

                    let names = [ "logs/out.txt"; "cell-1"; "evidence"; "cell-1/logs/out.txt" ]

                    let secrets =
                        Redaction.secretsOf url
                        |> List.filter (fun secret ->
                            not (List.contains (Uri.UnescapeDataString secret) names))

                    let shown (text: string) =
                        let masked = knownOneByOne secrets text
                        if masked.Length > 512 then masked.Substring(0, 512) + "…" else masked

                    Expect.equal
                        [ receipt.ETag; receipt.VersionId; receipt.RequestId ]
                        [ for text in told -> Some(shown text) ]
                        "masked"
                // The URL has expired, or signs a header that nobody sends.
                | output -> Expect.isTrue output.IsFailed "it never began")

        propertyTimes 1000 "a date is read as .NET reads it" dates (fun date ->
            let expected =
                match
                    DateTimeOffset.TryParseExact(
                        Uri.UnescapeDataString date,
                        "yyyyMMdd'T'HHmmss'Z'",
                        CultureInfo.InvariantCulture,
                        DateTimeStyles.AssumeUniversal
                    )
                with
                | true, at -> Some at
                | _ -> None

            match RequestUrl.parse $"https://h/p?X-Amz-Date={date}" with
            | Ok url -> Expect.equal (PresignedUrl.inspect url).SignedAt expected date
            | Error _ -> Expect.isTrue (date |> String.exists (fun c -> c > '~' || c = ' ')) date)

        testCase "whoever asks for a URL's Uri, in whatever thread, gets the same one" (fun () ->
            for _ in 1..200 do
                let url = parsed "https://evidence.s3.us-west-2.amazonaws.com/a/../b?x=1"
                let uris = Array.zeroCreate<Uri> 8

                Parallel.For(0, uris.Length, (fun i -> uris[i] <- RequestUrl.revealUri url))
                |> ignore

                Expect.all uris (fun uri -> obj.ReferenceEquals(uri, uris[0])) "the same object")
    ]
