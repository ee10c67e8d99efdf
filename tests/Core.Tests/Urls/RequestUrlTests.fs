module CellOS.Export.S3.Core.Tests.RequestUrlTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private trimmed (url: string) = url.Trim(' ', '\t', '\r', '\n')

/// What makes a URL unusable; the order does not matter.
let private allowed (url: string) =
    Text.RegularExpressions.Regex.IsMatch(
        url,
        @"\A(?i:https?)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~%!$&'()*+,;=-]+)(:[0-9]*)?([/?]([A-Za-z0-9._~:/?@!$&'()*+,;=\[\]-]|%[0-9A-Fa-f]{2})*)?\z"
    )

let private withoutQuery (url: string) =
    match url.IndexOf '?' with
    | -1 -> url
    | i -> url.Substring(0, i)

/// Hosts that a look at their letters might take for something else than they are: addresses, names with a meaning of
/// their own, labels that are none.
let private authority =
    let label =
        Gen.elements [
            "a"
            "S3"
            "us-west-2"
            "com"
            "x1"
            "1x"
            "1"
            "0"
            "127"
            "0x7f"
            "0x"
            "-a"
            "a-"
            "a--b"
            "a_b"
            "xn--bcher-kva"
            "XN--a"
            "xn--"
            "localhost"
            "loopback"
            "~"
            "a%41"
            ""
            String('a', 63)
            String('a', 64)
        ]

    let host =
        Gen.choose (1, 5)
        |> Gen.bind (fun count -> Gen.listOfLength count label)
        |> Gen.map (String.concat ".")

    Gen.zip
        (Gen.elements [ "http"; "https"; "HTTPS" ])
        (Gen.map2 (+) host (Gen.elements [ ""; ""; ""; ":80"; ":443"; ":9000"; ":" ]))

let private quiet (planted: Planted) (refusal: Refusal) =
    Expect.isEmpty (holds planted.Secrets refusal.Message) $"no secret may stay in %A{refusal.Message}"

    // The parts of the query that could tell something.
    match (if isNull (box planted.Url) then -1 else planted.Url.IndexOf '?') with
    | -1 -> ()
    | i ->
        // Names of parameters are words: a refusal may well speak of the signature.
        for parameter in planted.Url.Substring(i + 1).Split '&' do
            let value = parameter.Substring(parameter.IndexOf '=' + 1)

            if value.Length > 6 && parameter.Contains '=' then
                Expect.isFalse (refusal.Message.Contains value) $"no value of the query, such as {value}"

[<Tests>]
let tests =
    testList "RequestUrl" [
        propertyTimes 500 "parse is total and says what it refused" anyUrl (fun planted ->
            match RequestUrl.parse planted.Url with
            | Ok _ -> Expect.isTrue (allowed (trimmed planted.Url)) $"must be refused: {planted.Url}"
            | Error refusal -> Expect.stringStarts refusal.Message "The upload URL " "says what")

        propertyTimes 300 "every valid URL is accepted, with blanks around it too" presigned (fun planted ->
            for url in [ planted.Url; $" {planted.Url}\r\n"; $"\t{planted.Url}\n" ] do
                match RequestUrl.parse url with
                | Ok parsed -> Expect.equal (RequestUrl.reveal parsed) planted.Url "trimmed, else as it was"
                | Error refusal -> failtestf "%s: %O" planted.Url refusal)

        propertyTimes
            500
            "no refusal holds a secret or a part of the query"
            (Gen.oneof [ spoilt; anyUrl ])
            (fun planted ->
                match RequestUrl.parse planted.Url with
                | Ok _ -> ()
                | Error refusal -> quiet planted refusal)

        propertyTimes 500 "a URL is kept octet for octet" (Gen.oneof [ presigned; anyUrl ]) (fun planted ->
            match RequestUrl.parse planted.Url with
            | Error _ -> ()
            | Ok url ->
                let given = trimmed planted.Url
                let path, query = RequestUrl.path url, RequestUrl.revealQuery url
                let configured = if given.Contains '?' then $"{path}?{query}" else path
                let authority = given.IndexOf("://") + 3

                let below =
                    match given.IndexOfAny([| '/'; '?' |], authority) with
                    | -1 -> ""
                    | i -> given.Substring i

                Expect.equal
                    configured
                    (if below.StartsWith '/' then below else "/" + below)
                    "path and query as configured"

                Expect.equal (RequestUrl.revealUri(url).PathAndQuery) configured "the Uri sends the same"
                Expect.equal (RequestUrl.reveal url) given "the whole")

        propertyTimes 300 "whatever of a URL is shown holds no secret" presigned (fun planted ->
            let url = parsed planted.Url

            for shown in
                RequestUrl.withoutQuery url
                :: RequestUrl.host url
                :: RequestUrl.path url
                :: Shown.everyWay url do
                Expect.isEmpty (holds planted.Secrets shown) shown)

        propertyTimes 2000 "scheme and host are what System.Uri says" authority (fun (scheme, authority) ->
            let text = $"{scheme}://{authority}/p?x=1"

            match fst (Uri.TryCreate(text, UriKind.Absolute)) with
            | true when Uri(text).Host <> "" ->
                let uri = Uri text
                let url = parsed text
                Expect.equal (RequestUrl.host url) (uri.IdnHost.ToLowerInvariant()) $"host of {text}"
                Expect.equal (RequestUrl.scheme url) uri.Scheme $"scheme of {text}"
                Expect.equal (RequestUrl.revealUri(url).Authority) uri.Authority $"authority of {text}"

                Expect.equal
                    (RequestUrl.withoutQuery url)
                    (uri.GetLeftPart UriPartial.Path)
                    $"address of {text}"
            | _ -> Expect.isTrue (RequestUrl.parse(text).IsError) $"{text} has no host that can be read")

        property "URLs are equal if their text is" (Gen.zip presigned presigned) (fun (a, b) ->
            Expect.equal (parsed a.Url) (parsed a.Url) "the same text"
            Expect.equal (hash (parsed a.Url)) (hash (parsed a.Url)) "the same hash"
            Expect.equal (parsed a.Url = parsed b.Url) (a.Url = b.Url) "another text")

        table
            "what is refused, and why"
            [
                "", "is empty"
                "  \n", "is empty"
                Unchecked.defaultof<string>, "is empty"
                "ftp://h/p", "http:// or https://"
                "/p?x", "http:// or https://"
                "h/p", "http:// or https://"
                "https:/h/p", "between its scheme and its host"
                "https://u:p@h/p", "user info"
                "https://@h/p", "user info"
                "https://h/p#f", "fragment"
                "https://h/p?x#", "fragment"
                "https://h/a\r\nb", "control character U+000D) at position 12"
                "https://h/a\tb", "U+0009"
                "https://h/a\127b", "U+007F"
                "https://h/a b", "space at position 12"
                "https://h/a?b=c d", "where a copy or a line break put it"
                "https://h/é", "outside ASCII at position 11"
                "https://h/a?x={y}", "brace outside a placeholder at position"
                "https://h/a\\b", "U+005C"
                "https://h/%zz", "'%' at position 11"
                "https://h/%2", "'%' at position 11"
                "https://h/%", "'%' at position 11"
                "https://", "host"
                "https:///p", "host"
                "https://?x=1", "host"
                "https://:80/p", "host"
                "https://h:99999/p", "port"
                "https://h:x/p", "port"
            ]
            (fun (url, why) ->
                match RequestUrl.parse url with
                | Ok _ -> "accepted"
                | Error refusal when refusal.Problem.Contains why -> why
                | Error refusal -> refusal.Problem)
            snd

        table
            "the parts of a URL"
            [
                "https://h", ("https", "h", "/", "", "https://h/")
                "http://h?", ("http", "h", "/", "", "http://h/")
                "http://h?a=b", ("http", "h", "/", "a=b", "http://h/")
                "HTTPS://EXAMPLE.com:443/A?b", ("https", "example.com", "/A", "b", "https://example.com/A")
                "http://[::1]:90/a/../%2E%2E//?/../x?",
                ("http", "::1", "/a/../%2E%2E//", "/../x?", "http://[::1]:90/a/../%2E%2E//")
                "https://o/p/t0ken/n/ns/b/bucket/o/a?x",
                ("https", "o", "/p/t0ken/n/ns/b/bucket/o/a", "x", "https://o/p/REDACTED/n/ns/b/bucket/o/a")
                "https://O/%70/t0k%65n/n/ns/b/bucket/o/",
                ("https", "o", "/%70/t0k%65n/n/ns/b/bucket/o/", "", "https://o/%70/REDACTED/n/ns/b/bucket/o/")
                "https://h/%7e~%7E", ("https", "h", "/%7e~%7E", "", "https://h/%7e~%7E")
            ]
            (fun (text, _) ->
                let url = parsed text

                RequestUrl.scheme url,
                RequestUrl.host url,
                RequestUrl.path url,
                RequestUrl.revealQuery url,
                RequestUrl.withoutQuery url)
            snd
    ]
