module Samples.Tests.RetryTimelineTests

open System
open System.Globalization
open System.IO
open System.Xml.Linq
open Expecto
open Samples.Tests.Script

let private elements (name: string) (style: string) (svg: XElement) = [
    for element in svg.Descendants(XNamespace.Get "http://www.w3.org/2000/svg" + name) do
        let styles =
            (string (element.Attribute(XName.Get "class"))).Replace("class=", "").Trim '"'

        if styles.Split ' ' |> Array.contains style then
            element
]

let private number (name: string) (element: XElement) =
    Double.Parse((nonNull (element.Attribute(XName.Get name))).Value, CultureInfo.InvariantCulture)

/// Where a moment is drawn, of a push that lasts so long: the plot is 620 wide and begins at 70.
let private at (whole: float) (moment: float) = 70. + 620. * moment / whole

let private isNear (expected: float) (actual: float) what =
    Expect.isTrue (abs (expected - actual) <= 0.1) $"{what}: {actual}, not {expected}"

/// That bars stand at these times, and dashes at these, of a push that lasts so long; all in milliseconds.
let private isDrawn
    (whole: float)
    (bars: (float * float) list)
    (waits: (float * float) list)
    (svg: XElement)
    =
    let drawn = elements "rect" "bar" svg
    Expect.equal drawn.Length bars.Length "a bar for each attempt"

    for bar, (from, until) in List.zip drawn bars do
        isNear (at whole from) (number "x" bar) "a bar begins"
        isNear (max 3. (at whole until - at whole from)) (number "width" bar) "it is as long as its attempt"

    let rows = drawn |> List.map (number "y")
    Expect.sequenceEqual rows (List.sort (List.distinct rows)) "each in a row of its own"

    // The legend's comes first.
    let dashes = List.tail (elements "line" "wait" svg)
    Expect.equal dashes.Length waits.Length "a dashed line for each wait"

    for dash, (from, until) in List.zip dashes waits do
        isNear (at whole from) (number "x1" dash) "a wait begins"
        isNear (at whole until) (number "x2" dash) "and ends"

let private attributes (element: XElement) = [
    for name in [ "x"; "x1"; "x2"; "y"; "y1"; "y2" ] do
        match element.Attribute(XName.Get name) with
        | null -> ()
        | _ -> name, number name element
]

/// That nothing is drawn beyond the edges.
let private isWithin (svg: XElement) =
    let width, height = number "width" svg, number "height" svg

    for element in svg.Descendants() do
        for name, value in attributes element do
            let most = if name.StartsWith 'x' then width else height
            Expect.isTrue (value >= 0. && value <= most) $"{element} is outside"

[<Tests>]
let tests =
    testList "retry-timeline.fsx" [
        testCaseTask "draws a bad day by itself: the drawing to one stream, the table to the other" (fun () ->
            task {
                let! ran = run "retry-timeline" [] ""
                Expect.equal ran.Code 0 ran.Error
                let svg = XElement.Parse ran.Output
                isWithin svg
                Expect.equal (elements "rect" "bar" svg).Length 5 "five attempts"
                Expect.stringContains ran.Error "PUT 5" "the table"
                Expect.stringContains ran.Error "stored (etag-md5) after 5 attempts" "and how it ended"

                for words in
                    [
                        "the host's name is not known"
                        "503 SlowDown, Retry-After: 2"
                        "400 BadDigest"
                    ] do
                    Expect.stringContains svg.Value words "an outcome in words"
            })

        testCaseTask "draws what the machine decides, to scale" (fun () ->
            task {
                use folder = new Folder()
                let file = folder.At "day.svg"

                let! ran =
                    run
                        "retry-timeline"
                        [
                            "--mode"
                            "fixed"
                            "--attempts"
                            "4"
                            "--backoff"
                            "250"
                            file
                            "503@100"
                            "503/2"
                            "reset@900"
                            "200@100"
                        ]
                        ""

                succeeds ran

                says
                    [
                        "PUT 1       0.000 s    0.100 s   503 SlowDown"
                        "wait        0.450 s    2.450 s"
                        "PUT 3       2.450 s    3.350 s   reset after the whole body"
                        "end         3.700 s    3.700 s   stored (etag-md5) after 4 attempts"
                    ]
                    ran

                let svg = XElement.Load file
                isWithin svg

                isDrawn
                    3700.
                    [ 0., 100.; 350., 450.; 2450., 3350.; 3600., 3700. ]
                    [ 100., 350.; 450., 2450.; 3350., 3600. ]
                    svg

                let looks look = (elements "rect" look svg).Length
                // One of each is the legend's.
                Expect.equal (looks "again", looks "stored", looks "over") (4, 2, 1) "how they look"
                Expect.stringContains svg.Value "s since the push began" "the unit"
            })

        testCaseTask "draws a deadline, and the attempt that it cuts off" (fun () ->
            task {
                use folder = new Folder()
                let late = folder.At "late.svg"

                let! ran =
                    run
                        "retry-timeline"
                        [ "--mode"; "fixed"; "--deadline"; "3000"; late; "503@200"; "200@5000" ]
                        ""

                succeeds ran
                says [ "no reply in time"; "DeadlineExceeded after 2 attempts" ] ran
                let svg = XElement.Load late
                isWithin svg
                isDrawn 3000. [ 0., 200.; 700., 3000. ] [ 200., 700. ] svg
                Expect.equal (number "x1" (List.exactlyOne (elements "line" "limit" svg))) 690. "at its end"
            })

        testCaseTask "refuses what it does not know" (fun () ->
            task {
                let! ran = run "retry-timeline" [ "--attempts"; "3"; "<script>" ] ""
                isMisused ran
                Expect.isFalse (ran.Error.Contains "<script>") "it is not repeated"
            })

        testCaseTask "its elder, retry-schedule.fsx, tells of its days" (fun () ->
            task {
                let! ran = run "retry-schedule" [] ""
                succeeds ran

                says
                    [
                        "A bad day"
                        "t+0.000   PUT 1"
                        "done: {\"targetKind\":\"s3\""
                        "failed, IntegrityMismatch"
                    ]
                    ran
            })
    ]
