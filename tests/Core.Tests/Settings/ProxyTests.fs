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
                // The name of the host goes to the proxy, as it does with socks5 here.
                "socks5h://proxy.example:9050", "socks5://proxy.example:9050"
                "SOCKS5H://u:p@proxy.example", "socks5://proxy.example:1080 u / p"
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
                "ftp://proxy.example", "has an unknown scheme"
                "socks6://proxy.example", "has an unknown scheme"
                "://proxy.example", "has an unknown scheme"
                "http://", "has no host"
                "http://:3128", "has no host"
                "http://user:pass@", "has no host"
                "http://user:pass@:3128", "has no host"
                "http://proxy.example/path", "has a '/', '?' or '#' after its scheme"
                "http://proxy.example?x=y", "has a '/', '?' or '#' after its scheme"
                "http://proxy.example#x", "has a '/', '?' or '#' after its scheme"
                "http://user:pa/ss@proxy.example", "has a '/', '?' or '#' after its scheme"
                "http:///proxy.example", "has a '/', '?' or '#' after its scheme"
                "http://proxy.example:0", "has a port that is not a number from 1 to 65535"
                "http://proxy.example:65536", "has a port that is not a number from 1 to 65535"
                "http://user:pass", "has a port that is not a number from 1 to 65535"
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
                "http://a b", "contains a space or a control character at position 9"
                "http://a\tb", "contains a space or a control character at position 9"
                "http://a\r\nX: y", "contains a line break (the control character U+000D) at position 9"
                "http://bücher.example",
                "holds a character outside ASCII at position 9; it must come percent-encoded"
                "http://a\\nadia@proxy.example",
                "holds a backslash at position 9; in a user name or a password it is written as %5C"
                "http://a<b@proxy.example", "holds a character at position 9 that a URL does not allow"
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

        table
            "what a shell, an editor or another format left in it is named"
            [
                "\"http://proxy.example:3128\"", "has quotation marks around it"
                "'http://proxy.example:3128'", "has quotation marks around it"
                "“http://proxy.example:3128”", "has typographic quotation marks around it (U+201C)"
                "‘http://proxy.example:3128’", "has typographic quotation marks around it (U+2018)"
                "<http://proxy.example:3128>", "has angle brackets around it"
                "‹http://proxy.example:3128›", "has angle brackets around it (U+2039)"
                "[http://proxy.example:3128]", "has brackets around it"
                "http://proxy.example:3128\"", "contains a quotation mark at position 26"
                "http://proxy.example:3128”", "contains typographic quotation marks (U+201D) at position 26"
                "http://proxy.example:3128,", "ends with ',', which is not a part of it"
                "http://proxy.example:3128;", "ends with ';', which is not a part of it"
                "\ufeffhttp://proxy.example:3128", "begins with a byte order mark (U+FEFF)"
                "http://proxy\u200b.example:3128",
                "contains an invisible character, zero-width space (U+200B), at position 13"
                "http://proxy.example\u00a0:3128",
                "contains an invisible character, no-break space (U+00A0), at position 21"
                "http://proxy.example:3128\u2060",
                "contains an invisible character, word joiner (U+2060), at position 26"
                "http:\\/\\/proxy.example:3128", "contains '\\/' at position 6, an escape of JSON"
                "http://user:p\\u0026w@proxy.example", "contains '\\u0026' at position 14, an escape of JSON"
                "http://user:p&amp;w@proxy.example",
                "contains '&amp;' at position 14, which HTML and XML write for '&'"
                "http://proxy–1.example", "contains a typographic dash (U+2013) at position 13"
            ]
            (fun (text, _) ->
                match Proxy.parse text with
                | Ok proxy -> whole proxy
                | Error refusal when refusal.Message.Contains "percent-encoded" -> refusal.Message
                | Error refusal -> refusal.Problem)
            snd

        table
            "what Windows and proxy scripts write is named, with how to write it"
            [
                "http=proxy.example:3128;https=proxy.example:3129",
                "a list of proxies by protocol",
                "Set HTTP_PROXY to"
                "https=proxy.example:3128", "a list of proxies by protocol", "HTTPS_PROXY to"
                "HTTP=http://proxy.example:3128; ftp=b:1",
                "a list of proxies by protocol",
                "each as http://host:port"
                "socks=proxy.example:1080", "a list of proxies by protocol", "each as http://host:port"
                "proxy.example:3128;proxy2.example:3128", "names several proxies", "names one proxy"
                "proxy:3128;proxy2:3128", "names several proxies", "names one proxy"
                "http://proxy.example:3128;http://proxy2.example:3128",
                "names several proxies",
                "names one proxy"
                "http://proxy.example:3128/, http://proxy2.example:3128/",
                "names several proxies",
                "names one proxy"
                "proxy.example:3128 proxy2.example:3128", "names several proxies", "names one proxy"
                "proxy.example:3128;<local>", "names several proxies", "NO_PROXY"
                "PROXY proxy.example:3128; DIRECT",
                "the result of a proxy script",
                "the proxy that the script names"
                "SOCKS5 proxy.example:1080", "the result of a proxy script", "the proxy that the script names"
                "http://wpad.example/wpad.dat",
                "the address of a proxy script",
                "the proxy that the script names"
                "http://intranet.example/proxy.PAC",
                "the address of a proxy script",
                "the proxy that the script names"
            ]
            (fun (text, problem, remedy) ->
                match Proxy.parse text with
                | Ok proxy -> whole proxy
                | Error refusal when refusal.Problem.Contains problem && refusal.Remedy.Contains remedy ->
                    if refusal.Message.Contains "proxy.example" then refusal.Message else "named"
                | Error refusal -> refusal.Message)
            (fun _ -> "named")

        table
            "a user name or a password with such characters is not a list"
            [
                "http://us;er:pa;ss@proxy.example:3128", "http://proxy.example:3128 us;er / pa;ss"
                "http://a.example:1;b:2@proxy.example:3128", "http://proxy.example:3128 a.example / 1;b:2"
                "http://user:http=x;y@proxy.example:3128", "http://proxy.example:3128 user / http=x;y"
                "user:1,2@proxy.example:3128", "http://proxy.example:3128 user / 1,2"
            ]
            (fun (text, _) ->
                match Proxy.parse text with
                | Ok proxy -> whole proxy
                | Error refusal -> refusal.Message)
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
            | Error refusal -> Expect.isTrue (refusal.Remedy.EndsWith '.') "what to do")
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
            "which entries of NO_PROXY are ignored, and how to write them"
            [
                "a.org b.org",
                [ "entry 1, 'a.org b.org', is ignored: it contains a space", "a comma between" ]
                "x.org,a.org\tb.org", [ "entry 2", "a comma between" ]
                "a.org;b.org",
                [
                    "entry 1, 'a.org;b.org', is ignored: it contains a space or another", "a comma"
                ]
                "a.org|b.org", [ "another separator", "a comma" ]
                "\"a.org\"", [ "a quotation mark", "Write 'a.org'." ]
                "'a.org',b.org", [ "entry 1", "Write 'a.org'." ]
                "\"a.org,b.org\"", [ "entry 1", "Write 'a.org'."; "entry 2", "Write 'b.org'." ]
                "“a.org”", [ "a quotation mark", "Write 'a.org'." ]
                "<local>", [ "an angle bracket", "Write 'local'." ]
                "*.example.com",
                [
                    "'*' is special alone only", "Write 'example.com', which stands for all hosts below"
                ]
                "*example.com", [ "'*' is special alone only", "Write 'example.com'" ]
                ".*.example.com", [ "'*' is special alone only", "Write 'example.com'" ]
                "s3*.example.com", [ "'*' is special alone only", "List each host" ]
                "10.*", [ "'*' is special alone only", "Write '10.0.0.0/8'." ]
                "10.1.*", [ "'*' is special alone only", "Write '10.1.0.0/16'." ]
                "10.1.2.*", [ "'*' is special alone only", "Write '10.1.2.0/24'." ]
                "10.", [ "four numbers", "Write '10.0.0.0/8'." ]
                "192.168", [ "four numbers", "Write '192.168.0.0/16'." ]
                "192.168.1.", [ "four numbers", "Write '192.168.1.0/24'." ]
                "10.0.0.0/33", [ "not a number from 0 to 32", "such as 10.0.0.0/24" ]
                "10.0.0.0/", [ "not a number from 0 to 32", "such as 10.0.0.0/24" ]
                "10.0.0.0/-8", [ "not a number from 0 to 32", "such as 10.0.0.0/24" ]
                "10.0.0.0/255.0.0.0", [ "as a mask", "Write '10.0.0.0/8'." ]
                "192.168.0.0/255.255.0.0", [ "as a mask", "Write '192.168.0.0/16'." ]
                "10.0.0.0/255.0.255.0", [ "not a number from 0 to 32", "such as" ]
                "10/8", [ "not complete", "Write '10.0.0.0/8'." ]
                "172.16/12", [ "not complete", "Write '172.16.0.0/12'." ]
                "2001:db8::/129", [ "not a number from 0 to 128", "such as 2001:db8::/64" ]
                "example.com/path", [ "a host has no path", "Write 'example.com'." ]
                "example.com/8", [ "a host has no path", "Write 'example.com'." ]
                "010.1.2.3", [ "not a valid address", "without leading zeros" ]
                "256.1.1.1", [ "not a valid address", "from 0 to 255" ]
                "10.1.2.3-10.1.2.9", [ "a range of addresses", "10.1.2.0/24" ]
                "fe80::1%eth0", [ "no zone", "Write 'fe80::1'." ]
                "https://example.com", [ "entry 1 is ignored: it is a URL", "without scheme, port and path" ]
                "http://u:p@example.com:80/x", [ "entry 1 is ignored: it is a URL", "the host alone" ]
                "u@example.com", [ "entry 1 is ignored: it contains '@'", "without user name" ]
                "bücher.example", [ "outside ASCII", "(xn--…)" ]
                "\ufeffa.org", [ "an invisible character", "Type the entry anew" ]
                "a.org,b\u200b.org", [ "entry 2", "Type the entry anew" ]
                "a!b", [ "neither a host nor an address", "such as 10.0.0.0/8" ]
                // What counts.
                "", []
                "a.org, b.org,,.c.org,*,10.0.0.0/8,::1,[::1]:80,a.org:8080,localhost,com,10.1.2.3,squid_1", []
            ]
            (fun (list, expected) ->
                let reading = read [ "HTTP_PROXY", "a"; "NO_PROXY", list ]

                for finding in reading.Findings do
                    Expect.equal finding.Id "no-proxy-entry" "its id"
                    Expect.equal finding.Severity Severity.Advice "never refused"
                    Expect.equal finding.Variable "NO_PROXY" "its variable"

                [
                    for finding, (what, remedy) in
                        Seq.zip reading.Findings (expected @ List.replicate 9 ("", "")) do
                        if finding.What.Contains what && finding.Remedy.Contains remedy then
                            what, remedy
                        else
                            finding.What, finding.Remedy
                ])
            snd

        testCase
            "NO_PROXY is not judged where there is no proxy, and only the variable that counts is"
            (fun () ->
                Expect.isEmpty (read [ "NO_PROXY", "*.a" ]).Findings "no proxy"

                Expect.equal
                    ((read [ "HTTP_PROXY", "a"; "no_proxy", "*.a" ]).Findings |> List.map _.Variable)
                    [ "no_proxy" ]
                    "in lower case"

                Expect.isEmpty
                    (read [ "HTTP_PROXY", "a"; "NO_PROXY", "b"; "no_proxy", "*.a" ]).Findings
                    "upper case counts"

                Expect.hasLength
                    (read [ "HTTP_PROXY", "a"; "NO_PROXY", String.replicate 99 "*.a," ]).Findings
                    20
                    "at most twenty")

        propertyTimes
            300
            "an entry that is reported as ignored matches no host"
            (Gen.zip anyText (Gen.elements [ "a.org"; "www.a.org"; "10.1.2.3"; "[::1]" ]))
            (fun (text, host) ->
                let entry = text.Replace(",", "")

                let reading = read [ "HTTP_PROXY", "a"; "NO_PROXY", entry ]

                if not reading.Findings.IsEmpty then
                    Expect.isFalse (NoProxy.matches host (NoProxy.parse entry)) entry)

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
                Expect.stringStarts
                    problem.Message
                    "HTTPS_PROXY: The proxy URL has an unknown scheme"
                    "which and why"

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
            "to allow tunnels (CONNECT)"
            "NO_PROXY"
        ]

        story "of a request by 407" (given same) [ started; attempted 100 (Reply.Of 407) ] [
            "put 1"
            "Refused"
        ] [
            "a proxy refused the upload: HTTP 407"
            "Check user name and password in the proxy's URL"
        ]

        story "that passes" (given (retrying 2 0 0)) [ started; refusedBy 502; refusedBy 503 ] [
            "put 1"
            "put 2"
            "Unreachable"
        ] [ "the proxy p:1 answered HTTP 503"; "The proxy could not reach the server" ]

        testCase "is told with its status" (fun () ->
            for status in [ 403; 407 ] do
                match (List.last (Driver.feed (given same) [ started; refusedBy status ])).Output with
                | Output.Failed failure -> Expect.equal failure.Status (Some status) "status"
                | output -> failtestf "a failure was expected: %A" output)
    ]
