module CellOS.Export.S3.Core.Tests.ProxyTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Shown
open CellOS.Export.S3.Core.Tests.SpecGenerators
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Stories

let private whole (proxy: Proxy) =
    match Proxy.revealUserName proxy, Proxy.revealPassword proxy with
    | "", "" -> string proxy
    | user, password -> $"{proxy} {user} / {password}"

let private read (variables: (string * string) list) =
    ProxyRules.read (fun name -> variables |> List.tryFind (fst >> (=) name) |> Option.map snd)

let private via (variables: (string * string) list) scheme host =
    match ProxyRules.proxyFor scheme host (read variables).Rules with
    | Some proxy -> whole proxy
    | None -> "direct"

let private cut (text: string) =
    (text.Replace("The proxy URL ", "").Split '.')[0]

[<Tests>]
let urls =
    testList "Proxy" [
        table
            "URLs that name one"
            [
                "http://proxy.example:3128", "http://proxy.example:3128"
                "HTTP://Proxy.Example:3128/", "http://proxy.example:3128"
                "proxy.example:3128", "http://proxy.example:3128"
                "proxy", "http://proxy:80"
                "  http://proxy.example:3128\r\n", "http://proxy.example:3128"
                "http://proxy.example", "http://proxy.example:80"
                "http://proxy.example:", "http://proxy.example:80"
                "https://proxy.example", "https://proxy.example:443"
                "socks4://proxy.example", "socks4://proxy.example:1080"
                "socks4a://proxy.example", "socks4a://proxy.example:1080"
                "socks5://proxy.example:9050", "socks5://proxy.example:9050"
                "10.1.2.3:8080", "http://10.1.2.3:8080"
                "http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"
                "[::1]", "http://[::1]:80"
                "http://squid_1.internal.:3128", "http://squid_1.internal.:3128"
                "http://user:pass@proxy.example:3128", "http://proxy.example:3128 user / pass"
                "user:pass@proxy.example:3128", "http://proxy.example:3128 user / pass"
                "http://user@proxy.example", "http://proxy.example:80 user / "
                "http://user:@proxy.example", "http://proxy.example:80 user / "
                "http://:pass@proxy.example", "http://proxy.example:80  / pass"
                "http://@proxy.example", "http://proxy.example:80"
                "http://:@proxy.example", "http://proxy.example:80"
                "http://u%20s%40r:p%40%3A%25%2F%3F%23@proxy.example",
                "http://proxy.example:80 u s@r / p@:%/?#"
                "http://user:a:b@proxy.example", "http://proxy.example:80 user / a:b"
                "http://user:a@b@proxy.example", "http://proxy.example:80 user / a@b"
                "http://%C3%BC:%C3%A4@proxy.example", "http://proxy.example:80 ü / ä"
                "socks5://user:pass@[::1]:1080", "socks5://[::1]:1080 user / pass"
            ]
            (fun (text, _) ->
                match Proxy.parse text with
                | Ok proxy -> whole proxy
                | Error refusal -> refusal.Message)
            snd

        table
            "URLs that name none"
            [
                "", "is empty"
                "ftp://proxy.example", "has a scheme that is none of http, https, socks4, socks4a and socks5"
                "socks5h://proxy.example",
                "has a scheme that is none of http, https, socks4, socks4a and socks5"
                "://proxy.example", "has a scheme that is none of http, https, socks4, socks4a and socks5"
                "http://", "has no host"
                "http://:3128", "has no host"
                "http://user:pass@", "has no host"
                "http://user:pass@:3128", "has no host"
                "http://proxy.example/path", "has a '/', '?' or '#' after its scheme"
                "http://proxy.example?x=y", "has a '/', '?' or '#' after its scheme"
                "http://proxy.example#x", "has a '/', '?' or '#' after its scheme"
                "http://user:pa/ss@proxy.example", "has a '/', '?' or '#' after its scheme"
                "http:///proxy.example", "has a '/', '?' or '#' after its scheme"
                "http://proxy.example:0", "has a port that is no number from 1 to 65535"
                "http://proxy.example:65536", "has a port that is no number from 1 to 65535"
                "http://user:pass", "has a port that is no number from 1 to 65535"
                "http://proxy.example:3128:1", "has a host that cannot be read"
                "http://2001:db8::1", "has a host that cannot be read"
                "http://[10.1.2.3]", "has a host that cannot be read"
                "http://[::1", "has a host that cannot be read"
                "http://[::1]x", "has a host that cannot be read"
                "http://300.1.2.3", "has a host that cannot be read"
                "http://1", "has a host that cannot be read"
                "http://a..b", "has a host that cannot be read"
                "http://.a", "has a host that cannot be read"
                // No host for .NET.
                "http://bnn.b._a", "has a host that cannot be read"
                "socks5://b.b.-_", "has a host that cannot be read"
                "http://a%20b", "has a host that cannot be read"
                "http://a b", "holds a blank or a control character at position 9"
                "http://a\r\nX: y", "holds a blank or a control character at position 9"
                "http://bücher.example",
                "holds a character outside ASCII at position 9; it must come percent-encoded"
                "http://a\\b@proxy.example", "holds a character at position 9 that a URL does not allow"
                "http://user:50%@proxy.example",
                "has a '%' in its user name or password that two hexadecimal digits do not follow; a '%' itself is written as %25"
                "http://user:%0d%0aX@proxy.example",
                "has a control character in its user name or password, which Basic does not allow"
                "http://us%3Aer:pass@proxy.example",
                "has a ':' (%3A) in its user name, which Basic does not allow"
            ]
            (fun (text, _) ->
                match Proxy.parse text with
                | Ok proxy -> whole proxy
                | Error refusal -> (cut refusal.Message).Split(": a proxy has no path")[0])
            snd

        propertyTimes
            300
            "user name and password come back as they were, and are shown nowhere"
            (Gen.zip secret secret)
            (fun (user, password) ->
                for scheme in [ "http"; "https"; "socks5" ] do
                    let user, password = user + "@%/ü", password + "ü@:%/?#"

                    let text =
                        $"{scheme}://{Uri.EscapeDataString user}:{Uri.EscapeDataString password}@proxy.example:1"

                    match Proxy.parse text with
                    | Error refusal -> failtest refusal.Message
                    | Ok proxy ->
                        Expect.equal (Proxy.revealUserName proxy) user "user name"
                        Expect.equal (Proxy.revealPassword proxy) password "password"

                        for shown in everyWay proxy do
                            Expect.isEmpty
                                (holds [ user.Substring(0, 16); password.Substring(0, 16) ] shown)
                                "shown")

        propertyTimes
            500
            "no refusal, no row and no rule shows any of a proxy's credentials"
            (Gen.zip3 secret anyText (Gen.elements [ ""; "http://"; "ftp://"; "socks5://" ]))
            (fun (secret, junk, scheme) ->
                for value in
                    [
                        $"{scheme}user:{secret}@{junk}"
                        $"{scheme}{secret}:{junk}@proxy.example"
                        $"{scheme}user:{junk}{secret}@proxy.example:x"
                        $"{scheme}user:{secret}"
                    ] do
                    let reading =
                        read [ "HTTPS_PROXY", value; "HTTP_PROXY", value; "NO_PROXY", "http://" + value ]

                    for shown in everyWay reading do
                        Expect.isEmpty (holds [ secret ] shown) shown)

        propertyTimes 300 "any text is a proxy or a refusal" anyText (fun text ->
            match Proxy.parse text with
            | Ok proxy ->
                Expect.equal
                    (Proxy.parse (string proxy) |> Result.map string)
                    (Ok(string proxy))
                    "reads itself"

                Expect.isTrue (Uri(string proxy).IsAbsoluteUri) "and so does .NET"
            | Error refusal -> Expect.stringContains refusal.Remedy "http://host:port" "what to do")
    ]

[<Tests>]
let rules =
    testList "ProxyRules" [
        table
            "which variable counts"
            [
                [], "http", "direct"
                [], "https", "direct"
                [ "HTTP_PROXY", "a" ], "http", "http://a:80"
                [ "HTTP_PROXY", "a" ], "https", "direct"
                [ "HTTPS_PROXY", "a" ], "https", "http://a:80"
                [ "HTTPS_PROXY", "a" ], "http", "direct"
                [ "http_proxy", "a" ], "http", "http://a:80"
                [ "https_proxy", "a" ], "HTTPS", "http://a:80"
                [ "HTTP_PROXY", "a"; "http_proxy", "b" ], "http", "http://a:80"
                [ "http_proxy", "b"; "HTTP_PROXY", "a" ], "http", "http://a:80"
                [ "HTTP_PROXY", " "; "http_proxy", "b" ], "http", "http://b:80"
                [ "HTTPS_PROXY", ""; "https_proxy", "" ], "https", "direct"
                [ "ALL_PROXY", "c" ], "http", "http://c:80"
                [ "all_proxy", "c" ], "https", "http://c:80"
                [ "ALL_PROXY", "c"; "HTTP_PROXY", "a" ], "http", "http://a:80"
                [ "ALL_PROXY", "c"; "HTTP_PROXY", "a" ], "https", "http://c:80"
                [ "ALL_PROXY", "c"; "HTTPS_PROXY", "" ], "https", "http://c:80"
                [ "ALL_PROXY", "c"; "all_proxy", "d" ], "https", "http://c:80"
                [ "HTTP_PROXY", "a"; "REQUEST_METHOD", "GET" ], "http", "direct"
                [ "http_proxy", "a"; "REQUEST_METHOD", "" ], "http", "direct"
                [ "HTTPS_PROXY", "a"; "REQUEST_METHOD", "GET" ], "https", "http://a:80"
                [ "HTTP_PROXY", "a"; "ALL_PROXY", "c"; "REQUEST_METHOD", "GET" ], "http", "http://c:80"
                [ "HTTP_PROXY", "a"; "HTTPS_PROXY", "b" ], "ftp", "direct"
                [ "HTTP_PROXY", "a"; "NO_PROXY", "example.org" ], "http", "http://a:80"
                [ "HTTP_PROXY", "a"; "NO_PROXY", "example.com" ], "http", "direct"
                [ "HTTPS_PROXY", "a"; "no_proxy", ".example.com" ], "https", "direct"
                [ "HTTP_PROXY", "a"; "NO_PROXY", "x"; "no_proxy", "*" ], "http", "http://a:80"
                [ "HTTP_PROXY", "a"; "NO_PROXY", " "; "no_proxy", "*" ], "http", "direct"
                [ "NO_PROXY", "*" ], "http", "direct"
            ]
            (fun (variables, scheme, _) -> via variables scheme "s3.example.com")
            (fun (_, _, expected) -> expected)

        table
            "which variable is at fault"
            [
                [ "HTTP_PROXY", "ftp://x" ], [ "HTTP_PROXY" ]
                [ "http_proxy", "ftp://x" ], [ "http_proxy" ]
                [ "HTTPS_PROXY", "http://" ], [ "HTTPS_PROXY" ]
                [ "HTTP_PROXY", "ftp://x"; "HTTPS_PROXY", "http://" ], [ "HTTP_PROXY"; "HTTPS_PROXY" ]
                [ "ALL_PROXY", "ftp://x" ], [ "ALL_PROXY" ]
                [ "all_proxy", "ftp://x"; "HTTP_PROXY", "a" ], [ "all_proxy" ]
                // What does not count is not judged.
                [ "ALL_PROXY", "ftp://x"; "HTTP_PROXY", "a"; "HTTPS_PROXY", "b" ], []
                [ "http_proxy", "ftp://x"; "HTTP_PROXY", "a" ], []
                [ "HTTP_PROXY", "ftp://x"; "REQUEST_METHOD", "PUT" ], []
                [ "NO_PROXY", "http://[" ], []
            ]
            (fun (variables, _) ->
                (read variables).Problems
                |> List.map (fun problem -> Option.get problem.Variable))
            snd

        table
            "which rows are shown"
            [
                [], []
                [ "NO_PROXY", "*" ], []
                [ "HTTP_PROXY", "http://user:geheim@a:1"; "NO_PROXY", " x, y " ],
                [
                    "httpProxy HTTP_PROXY http://a:1 (with user name and password)"
                    "noProxy NO_PROXY x, y"
                ]
                [ "all_proxy", "a" ],
                [ "httpProxy all_proxy http://a:80"; "httpsProxy all_proxy http://a:80" ]
                // Of NO_PROXY, what counts.
                [
                    "HTTP_PROXY", "b"
                    "NO_PROXY", "*,10.0.0.0/8,::1,10.0.0.0/33,*.x,.Y.z:80,http://u:p@q,u:p:q@r"
                ],
                [
                    "httpProxy HTTP_PROXY http://b:80"
                    "noProxy NO_PROXY *, 10.0.0.0/8, ::1, y.z"
                ]
                [ "HTTP_PROXY", "b"; "NO_PROXY", "/" ],
                [ "httpProxy HTTP_PROXY http://b:80"; "noProxy NO_PROXY none" ]
                [ "HTTPS_PROXY", "ftp://a"; "HTTP_PROXY", "b" ], [ "httpProxy HTTP_PROXY http://b:80" ]
            ]
            (fun (variables, _) -> [
                for row in (read variables).Values -> $"{row.Name} {Option.get row.Variable} {row.Value}"
            ])
            snd

        testCase "a resolution has the rules, the rows and the problems" (fun () ->
            let url = suffixed Variable.PresignedUrl "a", "https://h.example/{artifact_name}"

            let with' variables =
                resolve [ s3 "a" ] [] (url :: variables)

            Expect.isTrue (with' []).Proxies.IsEmpty "none"

            let good = with' [ "HTTPS_PROXY", "http://user:geheim@p:1" ]
            Expect.equal (good.Proxies.Https |> Option.map string) (Some "http://p:1") "the proxy"
            Expect.isEmpty good.Problems "no problem"

            Expect.equal
                (good.Globals
                 |> List.filter (fun row -> row.Name.EndsWith "Proxy")
                 |> List.map _.Value)
                [ "http://p:1 (with user name and password)" ]
                "the row"

            let bad = with' [ "HTTPS_PROXY", "ftp://user:geheim@p:1" ]

            match Settings.refusals bad with
            | [ problem ] ->
                Expect.stringStarts problem.Message "HTTPS_PROXY: The proxy URL has a scheme" "which and why"
                Expect.isFalse (problem.Message.Contains "geheim") "no secret"
            | other -> failtestf "one refusal was expected: %A" other)
    ]

let private refusedBy (status: int) =
    let fault =
        Fault.Create(FaultKind.Proxy, $"the proxy p:1 answered HTTP {status}", 0L).WithProxyStatus status

    Input.Attempted(at 100, 0.5, Outcome.NotSent fault)

[<Tests>]
let verdicts =
    testList "A proxy's refusal" [
        table
            "ends the push unless it may pass"
            [
                for status in [ 408; 429; 500; 502; 503; 504; 511; 599 ] do
                    status, Verdict.Retry FailureKind.Unreachable
                for status in [ 101; 204; 302; 400; 401; 403; 404; 405; 407; 410; 451; 501; 505; 600; 999 ] do
                    status, Verdict.Stop FailureKind.Refused
            ]
            (fun (status, _) ->
                Verdict.ofOutcome
                    Circumstances.defaults
                    (Outcome.NotSent(Fault.Create(FaultKind.Proxy, "", 0L).WithProxyStatus status)))
            snd

        story "of a tunnel by 407" (given same) [ started; refusedBy 407 ] [ "put 1"; "Refused" ] [
            "failed: the proxy p:1 answered HTTP 407."
            "1 attempt"
            "Check user name and password in the proxy's URL"
        ]

        story "of a tunnel by 403" (given same) [ started; refusedBy 403 ] [ "put 1"; "Refused" ] [
            "allows tunnels (CONNECT)"
            "NO_PROXY"
        ]

        story "of a request by 407" (given same) [ started; attempted 100 (Reply.Of 407) ] [
            "put 1"
            "Refused"
        ] [
            "a proxy refused it: HTTP 407"
            "Check user name and password in the proxy's URL"
        ]

        story "that passes" (given (retrying 2 0 0)) [ started; refusedBy 502; refusedBy 503 ] [
            "put 1"
            "put 2"
            "Unreachable"
        ] [ "the proxy p:1 answered HTTP 503"; "Check the URL's host and port, the proxy" ]

        testCase "is told with its status" (fun () ->
            for status in [ 403; 407 ] do
                match (List.last (Driver.feed (given same) [ started; refusedBy status ])).Output with
                | Output.Failed failure -> Expect.equal failure.Status (Some status) "status"
                | output -> failtestf "a failure was expected: %A" output)
    ]
