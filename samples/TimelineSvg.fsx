/// Draws the time line of a push as SVG: for retry-timeline.fsx. Time runs to the right, and every attempt has a row of
/// its own, with the wait before the next one below it.
module TimelineSvg

open System
open System.Globalization
open System.Xml.Linq

/// What follows from an attempt.
[<RequireQualifiedAccess>]
type Look =
    | Accepted
    | Again
    | Over

/// What stands on the time line. Times count from the beginning of the push.
type Piece =
    | Attempt of Number: int * From: TimeSpan * To: TimeSpan * Says: string * Look: Look
    | Wait of From: TimeSpan * To: TimeSpan
    | End of At: TimeSpan * Says: string

let invariant (text: FormattableString) =
    text.ToString CultureInfo.InvariantCulture

let private tag (name: string) (attributes: (string * obj) list) (content: obj list) =
    let space = XNamespace.Get "http://www.w3.org/2000/svg"

    XElement(
        space + name,
        [ for key, value in attributes -> XAttribute(XName.Get key, value) :> obj ]
        @ content
    )
    :> obj

/// A length in the drawing, to a tenth.
let private length' (value: float) =
    value.ToString("0.#", CultureInfo.InvariantCulture)

let private text (style: string) (x: float) (y: float) (anchor: string) (words: string) =
    tag "text" [ "class", style; "x", length' x; "y", length' y; "text-anchor", anchor ] [ words ]

let private rect (style: string) (x: float) (y: float) (width: float) (height: float) (content: obj list) =
    tag
        "rect"
        [
            "class", style
            "x", length' x
            "y", length' y
            "width", length' width
            "height", length' height
        ]
        content

let private line (style: string) (x1: float) (y1: float) (x2: float) (y2: float) =
    tag "line" [
        "class", style
        "x1", length' x1
        "y1", length' y1
        "x2", length' x2
        "y2", length' y2
    ] []

/// Colours that can be told apart by their lightness, too, on white and on black.
let private style =
    """
    text { font: 13px system-ui, sans-serif; fill: #24292f }
    .title { font-size: 16px; font-weight: 600 }
    .small { font-size: 12px; fill: #57606a }
    .on { fill: #000000 }
    .stored { fill: #2da44e } .again { fill: #d4a017 } .over { fill: #cf222e }
    .wait { fill: none; stroke: #8c959f; stroke-width: 1.5; stroke-dasharray: 4 3 }
    .grid { stroke: #8c959f; stroke-opacity: .35 }
    .limit { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 6 3 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .on { fill: #000000 } .small { fill: #9ea7b3 }
      .stored { fill: #3fb950 } .again { fill: #e3b341 } .over { fill: #f85149 }
    }
    """

/// The class of its bar.
let private classOf (look: Look) =
    match look with
    | Look.Accepted -> "stored"
    | Look.Again -> "again"
    | Look.Over -> "over"

/// The drawing of a push: what it was set to, its deadline, and what happened.
let draw (setting: string) (deadline: TimeSpan option) (pieces: Piece list) : string =
    let width, left, plot, top, row = 760., 70., 620., 106., 34.

    let ending =
        pieces
        |> List.pick (fun piece ->
            match piece with
            | End(at, says) -> Some(at, says)
            | _ -> None)

    let count = pieces |> List.filter _.IsAttempt |> List.length

    let whole = max 1. (fst ending).TotalMilliseconds
    let bottom = top + row * float (max 1 count)

    let x (at: TimeSpan) =
        left + plot * at.TotalMilliseconds / whole

    let unit, divisor =
        if whole < 2_000. then "ms", 1.
        elif whole < 300_000. then "s", 1_000.
        else "min", 60_000.

    /// Every so many units a line: 1, 2 or 5 times a power of ten, ten lines at most.
    let step =
        Seq.initInfinite (fun i -> [ 1.; 2.; 5. ][i % 3] * 10. ** float (i / 3 - 3))
        |> Seq.find (fun step -> whole / divisor / step <= 10.)

    let axis = [
        for i in 0. .. Math.Floor(whole / divisor / step) do
            let at = left + plot * i * step * divisor / whole
            line "grid" at (top - 6.) at bottom
            text "small" at (bottom + 18.) "middle" (invariant $"{i * step:``0.##``}")

        text "small" (left + plot) (bottom + 36.) "end" $"{unit} since the push began"
    ]

    /// Behind the bar, before it, or on it: wherever there is room for so many characters.
    let words from until middle (says: string) =
        let needed = 16. + 7.5 * float says.Length

        if x until + needed < width then text "" (x until + 8.) middle "start" says
        elif x from - needed > left then text "" (x from - 8.) middle "end" says
        else text "on" (x from + 8.) middle "start" says

    let rows =
        pieces
        |> List.mapFold
            (fun count piece ->
                let middle = top + row * float count + row / 2.

                match piece with
                | Attempt(number, from, until, says, look) ->
                    let tip =
                        tag "title" [] [
                            invariant
                                $"PUT {number}: {from.TotalSeconds:F3} s to {until.TotalSeconds:F3} s, {says}"
                        ]

                    [
                        text "" (left - 12.) (middle + 5.) "end" $"PUT {number}"
                        rect $"bar {classOf look}" (x from) (middle - 9.) (max 3. (x until - x from)) 18. [
                            tip
                        ]
                        words from until (middle + 5.) says
                    ],
                    count + 1
                | Wait(from, until) ->
                    // Below the row of the attempt before it.
                    [
                        line "wait" (x from) (middle - row / 2. - 1.) (x until) (middle - row / 2. - 1.)
                    ],
                    count
                | End _ -> [], count)
            0
        |> fst
        |> List.concat

    let limit =
        match deadline with
        | Some at when at.TotalMilliseconds <= whole * 1.001 -> [
            line "limit" (x at) (top - 14.) (x at) bottom
            text "small" (x at) (top - 18.) "end" "deadline"
          ]
        | _ -> []

    let legend =
        [ "stored", "accepted"; "again", "worth another try"; "over", "ends the push" ]
        |> List.mapi (fun i (style, says) ->
            let at = left + float i * 150.
            [ rect style at 64. 12. 12. []; text "small" (at + 18.) 75. "start" says ])
        |> List.concat
        |> List.append [
            line "wait" (left + 450.) 70. (left + 474.) 70.
            text "small" (left + 482.) 75. "start" "wait"
        ]

    tag "svg" [
        "viewBox", $"0 0 {length' width} {length' (bottom + 50.)}"
        "width", length' width
        "height", length' (bottom + 50.)
        "role", "img"
    ] [
        tag "title" [] [ $"{snd ending}; {setting}" ]
        tag "style" [] [ style ]
        text "title" left 28. "start" (snd ending)
        text "small" left 48. "start" setting
        yield! legend
        yield! axis
        yield! rows
        yield! limit
    ]
    |> string
