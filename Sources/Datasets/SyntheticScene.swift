import Tensors

/// One synthetic image: a textured shape of the superclass's colour before a darker cluttered ground, in uneven light,
/// with noise.
struct SyntheticScene {
    private typealias Colour = SIMD3<Float>

    private let shape: Int
    private let texture: Int
    private var stream: RandomStream

    // Geometry, in pixels from the image's centre; the tilt is about a unit vector.
    private let centre: (x: Float, y: Float)
    private let radius: Float
    private let tilt: (cosine: Float, sine: Float)
    // Texture: two directions, cycles a pixel and phases in turns.
    private let waves: [(x: Float, y: Float, phase: Float)]
    private let groundWaves: [(x: Float, y: Float, phase: Float)]
    private let contrast: Float
    private let foreground: Colour
    private let background: Colour
    private let light: (x: Float, y: Float, level: Float)
    private let noise: Float

    /// Draws everything but the noise from `stream`; the noise follows when the image is drawn.
    init(superclass: Int, shape: Int, stream: RandomStream) {
        var stream = stream
        self.shape = shape
        texture = superclass % 5
        radius = stream.uniform(in: 8...13)
        let reach = 0.6 * (15 - radius)
        centre = (stream.uniform(in: -reach...reach), stream.uniform(in: -reach...reach))
        let turn = stream.uniform(in: -0.07...0.07)
        tilt = (SyntheticScene.wave(turn + 0.25), SyntheticScene.wave(turn))

        // Each superclass has its own pitch and direction, widened by a jitter that makes neighbours overlap.
        let pitch: Float = [0.10, 0.24, 0.075, 0.12, 0.07][texture] * stream.uniform(in: 0.8...1.25)
        let direction = Float(superclass * 7 % 20) / 40 + stream.uniform(in: -0.06...0.06)
        waves = (0..<3).map { index in
            let spread: Float = [0, 0.25, 0.13][index]
            let along = SyntheticScene.wave(direction + spread + 0.25) * pitch * (index == 2 ? 1.6 : 1)
            let across = SyntheticScene.wave(direction + spread) * pitch * (index == 2 ? 1.6 : 1)
            return (along, across, stream.uniform())
        }
        groundWaves = (0..<2).map { _ in
            let turn = stream.uniform(), frequency = stream.uniform(in: 0.03...0.2)
            return (SyntheticScene.wave(turn + 0.25) * frequency, SyntheticScene.wave(turn) * frequency, stream.uniform())
        }
        contrast = stream.uniform(in: 0.2...0.5)

        let hue = Float(superclass / 5 % 4) / 4 + stream.uniform(in: -0.11...0.11)
        foreground = SyntheticScene.colour(
            hue: hue, saturation: stream.uniform(in: 0.4...0.8), brightness: stream.uniform(in: 0.55...1))
        background = SyntheticScene.colour(
            hue: stream.uniform(), saturation: stream.uniform(in: 0...0.6), brightness: stream.uniform(in: 0.1...0.55))
        light = (stream.uniform(in: -0.02...0.02), stream.uniform(in: -0.02...0.02), stream.uniform(in: 0.7...1.15))
        noise = stream.uniform(in: 10...35)
        self.stream = stream
    }

    /// Writes the image's 3072 bytes as `[C][H][W]`.
    mutating func draw(into pixels: UnsafeMutablePointer<UInt8>) {
        let side = CIFAR100Folder.side, area = side * side
        for row in 0..<side {
            let y = Float(row) - 15.5
            for column in 0..<side {
                let x = Float(column) - 15.5
                let u = ((x - centre.x) * tilt.cosine + (y - centre.y) * tilt.sine) / radius
                let v = ((y - centre.y) * tilt.cosine - (x - centre.x) * tilt.sine) / radius
                let inside = min(max(0.5 - distance(u, v) * radius, 0), 1)
                let front = 1 + contrast * pattern(x, y)
                let clutter = groundWaves.reduce(Float(0)) { $0 + SyntheticScene.wave($1.x * x + $1.y * y + $1.phase) }
                let ground = 1 + 0.2 * clutter
                let shine = 255 * (light.level + light.x * x + light.y * y)
                let position = row * side + column
                for channel in 0..<CIFAR100Folder.channels {
                    let near = foreground[channel] * front, far = background[channel] * ground
                    let clean = shine * (inside * near + (1 - inside) * far)
                    let value = clean + noise * grain()
                    pixels[channel * area + position] = UInt8(min(max(value, 0), 255))
                }
            }
        }
    }

    /// The signed distance from the shape's outline in units of its radius, negative inside.
    private func distance(_ u: Float, _ v: Float) -> Float {
        switch shape {
        case 0: return (u * u + v * v).squareRoot() - 0.9
        case 1: return max(abs(u), abs(v)) - 0.8
        case 2: return max(abs(u) * 0.866 - v * 0.5, v) - 0.52
        case 3: return min(max(abs(u) - 0.3, abs(v) - 1), max(abs(v) - 0.3, abs(u) - 1))
        default: return abs((u * u + v * v).squareRoot() - 0.75) - 0.22
        }
    }

    /// The texture at a pixel, in −1…1.
    private func pattern(_ x: Float, _ y: Float) -> Float {
        let a = SyntheticScene.wave(waves[0].x * x + waves[0].y * y + waves[0].phase)
        switch texture {
        case 0, 1: return a
        case 2:
            let b = SyntheticScene.wave(waves[1].x * x + waves[1].y * y + waves[1].phase)
            return a * b > 0 ? 1 : -1
        case 3:
            let offset = (x: x + 40 * (waves[0].phase - 0.5), y: y + 40 * (waves[1].phase - 0.5))
            let frequency = (waves[0].x * waves[0].x + waves[0].y * waves[0].y).squareRoot()
            return SyntheticScene.wave((offset.x * offset.x + offset.y * offset.y).squareRoot() * frequency)
        default:
            let b = SyntheticScene.wave(waves[1].x * x + waves[1].y * y + waves[1].phase)
            let c = SyntheticScene.wave(waves[2].x * x + waves[2].y * y + waves[2].phase)
            return (a + b + c) / 3 + (a * b * c > 0.1 ? 0.4 : -0.2)
        }
    }

    /// A bell-shaped number of mean 0 and variance 1: the sum of four random bytes (Irwin–Hall), exact in every step.
    private mutating func grain() -> Float {
        let bits = stream.nextUInt32()
        let sum = Int32(bits & 255) + Int32(bits >> 8 & 255) + Int32(bits >> 16 & 255) + Int32(bits >> 24)
        return Float(sum - 510) / 147.8
    }

    /// A sine-like wave of period 1: −1…1, 0 at 0, 1 at ¼; a parabola each half, so that every machine gets the same
    /// bits.
    private static func wave(_ turns: Float) -> Float {
        let fraction = turns - turns.rounded(.down)
        let half = fraction < 0.5 ? fraction : fraction - 0.5
        let arch = 16 * half * (0.5 - half)
        return fraction < 0.5 ? arch : -arch
    }

    /// A colour from hue (turns), saturation and brightness, each in 0…1.
    private static func colour(hue: Float, saturation: Float, brightness: Float) -> Colour {
        func channel(_ shift: Float) -> Float {
            let position = hue + shift
            let turn = abs((position - position.rounded(.down)) * 6 - 3)
            return brightness * (1 - saturation * (1 - min(max(turn - 1, 0), 1)))
        }
        return SIMD3(channel(0), channel(2.0 / 3), channel(1.0 / 3))
    }
}
