import Testing

@Suite struct GoldenClusteringTests {
    @Test func `codebooks have the bits that they always had`() throws {
        let found = try GoldenClusterings.codebooks()
        #expect(found.count == Self.codebooks.count)
        for (one, digest) in zip(found, Self.codebooks) { #expect(one.digest == digest, "\(one.name)") }
    }

    @Test(arguments: [1, 2, 5])
    func `clusterings have the bits that they always had, on any number of threads`(threads: Int) throws {
        let found = try GoldenClusterings.clusterings(threads: threads)
        #expect(found.count == Self.clusterings.count)
        for (one, digest) in zip(found, Self.clusterings) { #expect(one.digest == digest, "\(one.name)") }
    }

    /// In the order of ``GoldenClusterings/codebooks()``.
    static let codebooks: [UInt64] = [
        0x0BBE_AD51_4A6B_3F4D, 0xF0EA_6E08_2537_ADD8, 0xD8BD_003F_C239_57F4, 0x2AC4_01A6_AB9D_BF28, 0xC0D9_C191_2083_B11F,
        0x4E2D_0D96_3399_22B3, 0x0BBE_AD51_4A6B_3F4D, 0xB1DF_6C32_45BB_D4D7, 0xC8CE_B063_0A78_B112, 0xB912_4415_5526_0BAF,
        0xA263_622A_7843_C5AC, 0x7BD5_F334_80C3_8044, 0xFE55_0EF7_EAE6_D344, 0xF7C8_0D17_5864_5C59, 0xEC2F_8A88_5200_9B73,
        0x49BE_3186_1934_E09A, 0xD0DD_D165_6C0F_4B52, 0xE017_C8F6_6E3A_B685, 0xE855_14BB_D3FA_CB20, 0x27EE_2983_6A64_D196,
        0x9F48_55BF_F471_4388, 0x472B_03FE_A8CB_AB1E, 0x2D2E_8A3C_6037_5E15, 0x1EAF_E157_C2C5_4AEF, 0xE855_14BB_D3FA_CB20,
        0x3BA0_A0A6_E690_C568, 0x292D_3B32_DE04_60EB, 0x537D_D065_9BF3_3669, 0x09BC_13E3_E160_1E26, 0x4E57_6078_DA0E_97CE,
        0x20E7_1CB6_6F92_ED76, 0x21F9_F266_C71E_DC47, 0x6D9B_5D22_41AF_7F72, 0x6461_A420_A3D0_B12E, 0xAF68_90B5_1D66_25FD,
        0x2089_7C59_7F5E_69E7,
    ]

    /// In the order of ``GoldenClusterings/clusterings(threads:)``.
    static let clusterings: [UInt64] = [
        0x49A6_374A_A149_16D6, 0x9CEA_0EB5_E0CB_527B, 0x5B91_B3B1_03B8_FDD2, 0x2EF5_109D_3BA5_A2BD, 0x13B8_9951_2D36_FCDC,
        0xA2C0_B3A6_4C9F_DDE3, 0xB362_0ABF_EE18_71A8, 0x3F04_33AB_5D6F_6414, 0xF277_7307_BE68_9B5A, 0x6BFB_50AE_2164_E3EF,
        0x02E8_4596_C44E_0B1E, 0xB851_AE3C_4E7B_2515, 0x22D3_0A90_B26A_BEF0, 0x50E1_DB87_A47D_9990, 0xBDFA_8301_A10E_7EF7,
        0xE46C_40CA_D564_E821, 0x09BB_0D31_8E57_2214, 0x6A7E_4604_2725_25B7, 0x1634_BA1A_DC0F_68CE, 0x86E2_3D32_5496_27A4,
        0xDBA6_F9CE_7CEE_40E9, 0x65F6_CD1B_EC5B_C113, 0xA0A6_8FA4_6B2D_F1A3, 0xA271_CDC8_CD24_57FA, 0xBD6F_F8F2_5B3C_0F0F,
        0xD27C_BAB4_CD66_6E2D, 0x30A9_90E4_65BE_1297, 0xEB7F_3913_8D9A_DAC6, 0x379D_8930_FE74_E727, 0x9B3E_E199_F960_77DD,
        0x72CC_10A1_C24C_AD22, 0x1C28_E834_502E_1B12, 0x5BC7_2F20_A82F_AB0A, 0x3A20_AE8A_0B47_61A0, 0x050E_12D6_10C8_0D1D,
        0x19D1_AEA6_4F21_BA32, 0x32F0_FAE4_DE75_0E11, 0x2B87_5F31_DDA3_1926, 0xFD43_5C12_40A1_3D7A, 0x6819_AFC2_3068_B22B,
        0xC6BF_1609_C8BB_8BE4, 0x4DCF_940B_1A59_D9F4, 0x26A1_B297_E771_9E81, 0x6478_9866_9519_63A4, 0x00E6_9892_CB65_9130,
        0x036A_82B3_6669_41BC, 0xE0A8_8343_B144_1B21, 0x4945_ADE6_BAE3_AC1C, 0xE170_4293_345A_42A1, 0x9B8F_D1D9_36B3_0401,
    ]
}
