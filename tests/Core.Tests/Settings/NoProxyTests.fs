module CellOS.Export.S3.Core.Tests.NoProxyTests

open System
open System.Net
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators

let private bypasses (list: string) (host: string) =
    NoProxy.matches host (NoProxy.parse list)

/// What `NO_PROXY` says, a host, and whether it is reached without a proxy.
let private rows = [
    // Nothing.
    "", "example.com", false
    " , ,,", "example.com", false
    // Names.
    "example.com", "example.com", true
    "example.com", "www.example.com", true
    "example.com", "a.b.c.example.com", true
    "example.com", "notexample.com", false
    "example.com", "example.com.evil.org", false
    "example.com", "example.org", false
    "example.com", "com", false
    ".example.com", "example.com", true
    ".example.com", "www.example.com", true
    ".example.com", "notexample.com", false
    "www.example.com", "example.com", false
    "com", "example.com", true
    ".", "example.com", false
    "..", "example.com", false
    // Case and trailing dots.
    "EXAMPLE.com", "www.example.COM", true
    "example.com.", "example.com", true
    "example.com", "example.com.", true
    ".example.com.", "www.example.com.", true
    // Lists and blanks.
    "a.org,example.com,b.org", "example.com", true
    "  a.org ,\texample.com  , b.org ", "www.example.com", true
    "a.org example.com", "example.com", false
    "a.org;example.com", "example.com", false
    // The wildcard, which is one alone only.
    "*", "example.com", true
    "*", "10.1.2.3", true
    "*", "[2001:db8::1]", true
    "a.org, * ", "example.com", true
    "*.example.com", "www.example.com", false
    "*.example.com", "example.com", false
    "exam*", "example.com", false
    // Ports of entries.
    "example.com:443", "example.com", true
    "example.com:443", "www.example.com", true
    "10.1.2.3:8080", "10.1.2.3", true
    "[2001:db8::1]:443", "[2001:db8::1]", true
    // No host is special by itself.
    "example.com", "localhost", false
    "example.com", "127.0.0.1", false
    "example.com", "[::1]", false
    "localhost", "localhost", true
    "localhost", "LOCALHOST", true
    "localhost", "127.0.0.1", false
    "127.0.0.1", "127.0.0.1", true
    "127.0.0.1", "localhost", false
    // IPv4.
    "10.1.2.3", "10.1.2.3", true
    "10.1.2.3", "10.1.2.30", false
    "10.1.2.3", "x.10.1.2.3.example", false
    "1.2.3", "4.1.2.3", false
    "2.3", "10.1.2.3", false
    ".2.3", "10.1.2.3", false
    "10.1.2.3", "10.1.2.3.", true
    "010.1.2.3", "10.1.2.3", false
    "256.1.1.1", "1.1.1.1", false
    // Networks of IPv4.
    "10.0.0.0/8", "10.255.255.255", true
    "10.0.0.0/8", "11.0.0.0", false
    "10.9.8.7/8", "10.1.1.1", true
    "192.168.1.0/24", "192.168.1.42", true
    "192.168.1.0/24", "192.168.2.42", false
    "172.16.0.0/12", "172.31.255.1", true
    "172.16.0.0/12", "172.32.0.1", false
    "10.1.2.3/32", "10.1.2.3", true
    "10.1.2.3/32", "10.1.2.2", false
    "10.1.2.2/31", "10.1.2.3", true
    "0.0.0.0/0", "203.0.113.9", true
    "0.0.0.0/0", "example.com", false
    "0.0.0.0/0", "[2001:db8::1]", false
    "10.0.0.0/33", "10.0.0.0", false
    "10.0.0.0/-1", "10.0.0.0", false
    "10.0.0.0/", "10.0.0.0", false
    "10.0.0.0/8x", "10.0.0.0", false
    "10.0.0.0/8/8", "10.0.0.0", false
    "example.com/8", "example.com", false
    "/8", "10.0.0.0", false
    // IPv6, whose hosts are in brackets in a URL.
    "2001:db8::1", "[2001:db8::1]", true
    "2001:db8::1", "2001:db8::1", true
    "[2001:db8::1]", "[2001:db8::1]", true
    "2001:DB8:0:0::1", "[2001:db8::1]", true
    "2001:db8::1", "[2001:db8::2]", false
    "::1", "[::1]", true
    "::1", "[::1%eth0]", true
    "fe80::1%eth0", "[fe80::1]", false
    // Networks of IPv6.
    "2001:db8::/32", "[2001:db8:ffff::1]", true
    "2001:db8::/32", "[2001:db9::1]", false
    "[2001:db8::]/32", "[2001:db8::9]", true
    "2001:db8::1/128", "[2001:db8::1]", true
    "2001:db8::1/128", "[2001:db8::]", false
    "2001:db8::/33", "[2001:db8:7fff::]", true
    "2001:db8::/33", "[2001:db8:8000::]", false
    "::/0", "[2001:db8::1]", true
    "::/0", "10.1.2.3", false
    "2001:db8::/129", "[2001:db8::]", false
    // IPv4 in the clothes of IPv6.
    "10.0.0.0/8", "[::ffff:10.1.2.3]", true
    "10.1.2.3", "[::ffff:a01:203]", true
    "::ffff:10.1.2.3", "10.1.2.3", true
    "::ffff:10.0.0.0/104", "10.9.9.9", true
    "::ffff:10.0.0.0/104", "11.9.9.9", false
    "::/0", "[::ffff:10.1.2.3]", true
    "0.0.0.0/0", "[::10.1.2.3]", false
]

let private label = alphanumeric 1 12 |> Gen.map (fun text -> "h" + text)

let private domain =
    Gen.choose (1, 4)
    |> Gen.bind (fun count -> Gen.listOfLength count label)
    |> Gen.map (String.concat ".")

/// An entry that means something, or nothing at all.
let private entry =
    Gen.frequency [
        3, domain
        1, domain |> Gen.map (fun name -> "." + name)
        1,
        Gen.elements [
            "*"
            ""
            "10.0.0.0/8"
            "::/0"
            "0.0.0.0/0"
            "10.0.0.0/33"
            "::1"
            "127.0.0.1:80"
        ]
        1, anyText |> Gen.map (fun text -> text.Replace(",", ""))
    ]

let private host =
    Gen.frequency [
        3, domain
        1, Gen.elements [ "localhost"; "10.2.3.4"; "[::1]"; "[::ffff:10.2.3.4]"; "127.0.0.1" ]
    ]

let private octets (count: int) =
    Gen.listOfLength count (Gen.frequency [ 2, Gen.elements [ 0; 255 ]; 1, Gen.choose (0, 255) ])
    |> Gen.map (List.map byte >> Array.ofList)

/// An address as a row of ones and zeros.
let private bits (octets: byte[]) =
    octets |> Array.map (fun octet -> $"%08B{octet}") |> String.concat ""

/// Two addresses of one kind that begin alike, and how many bits count.
let private neighbours =
    gen {
        let! length = Gen.elements [ 4; 16 ]
        let! first = octets length
        let! flipped = Gen.optionOf (Gen.choose (0, length * 8 - 1))
        let! prefix = Gen.choose (0, length * 8)
        let second = Array.copy first

        match flipped with
        | Some bit -> second[bit / 8] <- second[bit / 8] ^^^ (128uy >>> bit % 8)
        | None -> ()

        return first, second, prefix
    }

[<Tests>]
let tests =
    testList "NO_PROXY" [
        table $"{rows.Length} rows" rows (fun (list, host, _) -> bypasses list host) (fun (_, _, expected) ->
            expected)

        property
            "a name matches itself and whatever is below it, and no longer name"
            (Gen.zip domain label)
            (fun (name, more) ->
                for list in
                    [
                        name
                        "." + name
                        name.ToUpperInvariant()
                        name + "."
                        $"x.org, {name}:8080 "
                    ] do
                    Expect.isTrue (bypasses list name) $"{list}: itself"
                    Expect.isTrue (bypasses list $"{more}.{name}") $"{list}: below it"
                    Expect.isTrue (bypasses list (name + ".")) $"{list}: with a trailing dot"

                Expect.isFalse (bypasses name $"{more}{name}") "not a name that ends alike")

        property
            "more entries never take a bypass away, and their order does not matter"
            (Gen.zip3 (Gen.listOf entry) (Gen.listOf entry) host)
            (fun (some, more, host) ->
                let both = String.Join(",", some @ more)

                if bypasses (String.Join(",", some)) host then
                    Expect.isTrue (bypasses both host) "still bypassed"

                Expect.equal
                    (bypasses (String.Join(",", List.rev (some @ more))) host)
                    (bypasses both host)
                    "the order")

        propertyTimes 300 "the wildcard is for every host" (Gen.zip anyText host) (fun (junk, host) ->
            let list = junk.Replace(",", "") + ",*"
            Expect.isTrue (bypasses list host) "a host"
            Expect.isTrue (bypasses list junk) "whatever may stand for one")

        propertyTimes
            500
            "a network agrees with a look at every bit"
            neighbours
            (fun (first, second, prefix) ->
                let mapped octets =
                    IPAddress(octets: byte[]).IsIPv4MappedToIPv6

                // An address that stands for one of the other kind is in two places: that is in the table.
                if not (mapped first || mapped second) then
                    let expected =
                        (bits first).Substring(0, prefix) = (bits second).Substring(0, prefix)

                    let list = $"{IPAddress first}/{prefix}"
                    Expect.equal (bypasses list (string (IPAddress second))) expected list)

        propertyTimes 300 "a single address is for itself alone" neighbours (fun (first, second, _) ->
            let list = string (IPAddress first)
            Expect.isTrue (bypasses list list) "itself"
            Expect.isTrue (bypasses list $"[{list}]" || first.Length = 4) "in brackets"
            Expect.equal (bypasses list (string (IPAddress second))) (first = second) "another")

        propertyTimes
            300
            "any text is a list, and any text may be asked for"
            (Gen.zip anyText anyText)
            (fun (list, host) -> bypasses list host |> ignore)
    ]
